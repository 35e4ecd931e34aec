// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ARP from a guest: rules A1 to A5 (RFC 826, 5227), and QEMU's announcement by RARP (rule E4).
#pragma once
#include "own.h"

static __always_inline int is_ethernet_ipv4(const struct arp_packet *arp) {
    return arp->hardware_type == bpf_htons(1) && arp->protocol_type == TYPE_IPV4 && arp->hardware_length == 6 && arp->protocol_length == 4;
}

// At an even offset.
static __always_inline __u32 address4_at(const void *bytes) {
    const __u16 *half = bytes;
    return half[0] | (__u32)half[1] << 16;
}

// The packet in place, which is shorter than what `pull` has made linear; null where there is less of it, or it isn't
// about Ethernet and IPv4.
static __always_inline const struct arp_packet *arp_of(const struct frame *f) {
    void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
    const struct arp_packet *arp = data + f->l3;
    return likely((void *)(arp + 1) <= end) && is_ethernet_ipv4(arp) ? arp : 0;
}

static __always_inline __u32 judge_arp(struct frame *f) {
    struct guard_port *port = f->port;
    if (f->skb->len < f->l3 + 8) return GUARD_TRUNCATED;
    if (!(port->flags & GUARD_IPV4)) return GUARD_NO_IPV4;
    const struct arp_packet *arp = arp_of(f);
    if (!arp) return GUARD_ARP_MALFORMED;
    int request = arp->opcode == bpf_htons(1);
    if (!request && arp->opcode != bpf_htons(2)) return GUARD_ARP_OPCODE;
    if (mac_at(arp->sender_mac) != f->source) return GUARD_ARP_SENDER_MAC;
    __u32 sender = address4_at(arp->sender), target = address4_at(arp->target);
    int probe = request && sender == 0;
    if (!probe && !own4(port, sender)) return GUARD_ARP_SENDER_IP;
    if (probe && !own4(port, target)) return GUARD_ARP_PROBE_TARGET;
    f->is_neighbor = 1;
    return 0;
}

static __noinline int is_announcement_by_rarp(struct frame *f) {
    struct arp_packet rarp;
    if (bpf_skb_load_bytes(f->skb, f->l3, &rarp, sizeof rarp)) return 0;
    return is_ethernet_ipv4(&rarp) && rarp.opcode == bpf_htons(3) && mac_at(rarp.sender_mac) == f->source &&
           mac_at(rarp.target_mac) == f->source && address4_at(rarp.sender) == 0 && address4_at(rarp.target) == 0;
}
