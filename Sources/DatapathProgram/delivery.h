// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a guest may receive: rules G2 to G6.
#pragma once
#include "guest.h"

// G4's exception: a DHCPv4 server's answer to this guest, whatever address it offers.
static __noinline int is_dhcp4_answer(struct frame *f, struct ip4_header *ip) {
    if (!f || !ip) return 0;
    __u32 offset = f->l3 + (ip->version_length & 15) * 4;
    struct udp_ports ports;
    struct bootp bootp;
    if (ip->protocol != PROTOCOL_UDP || ip->fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) || (ip->version_length & 15) < 5) return 0;
    if (f->skb->len < offset + 8 + BOOTP_BYTES) return 0;
    if (bpf_skb_load_bytes(f->skb, offset, &ports, sizeof ports) || bpf_skb_load_bytes(f->skb, offset + 8, &bootp, sizeof bootp)) return 0;
    return ports.source == DHCP4_SERVER && ports.destination == DHCP4_CLIENT && bootp.op == 2 && bootp.hardware_type == 1 &&
           bootp.hardware_length == 6 && has_mac(f->port, mac_at(bootp.mac));
}

static __always_inline __u32 deliver_ipv4(struct frame *f) {
    void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
    struct ip4_header *h = data + f->l3;
    if (unlikely((void *)(h + 1) > end)) return GUARD_TRUNCATED;
    __u32 destination = h->destination;
    if (likely(own4(f->port, destination)) || (f->port->flags & GUARD_ROLE_TRANSIT)) return 0;
    if ((destination & 0xf0) == 0xe0 || destination == 0xffffffff || is_broadcast4(f->port, destination)) return 0;
    struct ip4_header ip = *h;
    return is_dhcp4_answer(f, &ip) ? 0 : GUARD_NOT_FOR_GUEST_IP4;
}

static __noinline int is_for_guest6(struct frame *f, struct address6 *address) {
    int own = owns6(f, address);
    return own == OWN_YES || own == OWN_CLAIMABLE;
}

static __always_inline __u32 deliver_ipv6(struct frame *f) {
    struct ip6_header ip;
    {
        void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
        struct ip6_header *h = data + f->l3;
        if (unlikely((void *)(h + 1) > end)) return GUARD_TRUNCATED;
        if (likely(h->next_header != PROTOCOL_ICMP6 && is_first6(f->port, &h->destination))) return 0;
        ip = *h;
    }
    if (!is_multicast6(&ip.destination) && unlikely(!own6(f->port, &ip.destination)) && !(f->port->flags & GUARD_ROLE_TRANSIT) && !is_for_guest6(f, &ip.destination))
        return GUARD_NOT_FOR_GUEST_IP6;
    if (likely(ip.next_header != PROTOCOL_ICMP6) || !(f->port->flags & GUARD_QUIET_ON)) return 0;
    struct nd_message nd;
    if (read_nd(f->skb, f->l3 + 40, &nd) < sizeof nd || nd.type != ICMP6_NEIGHBOR_SOLICITATION) return 0;
    return is_for_guest6(f, &nd.target) ? 0 : GUARD_QUIET;
}

static __always_inline __u32 deliver_arp(struct frame *f) {
    if (f->skb->len < f->l3 + 8) return GUARD_TRUNCATED;
    const struct arp_packet *arp = arp_of(f);
    if (!arp) return GUARD_ARP_MALFORMED;
    if (!(f->port->flags & GUARD_QUIET_ON) || arp->opcode != bpf_htons(1)) return 0;
    __u32 target = address4_at(arp->target);
    return target == address4_at(arp->sender) || own4(f->port, target) ? 0 : GUARD_QUIET;
}

static __always_inline __u32 judge_to_guest(struct __sk_buff *skb, struct guard_port *port) {
    struct frame f = {.skb = skb, .port = port, .pending.ifindex = skb->ifindex};
    pull(skb, HEADERS);
    __u32 reason = read_ethernet(skb, &f);
    if (unlikely(reason)) return reason;
    if (unlikely(!is_group(f.destination) && !has_mac(port, f.destination))) return GUARD_NOT_FOR_GUEST_MAC;
    if (unlikely(is_l2_control(f.destination))) return GUARD_L2_CONTROL;
    reason = judge_tags(&f);
    if (unlikely(reason)) return reason;
    if (likely(f.type == TYPE_IPV4)) return deliver_ipv4(&f);
    if (likely(f.type == TYPE_IPV6)) return deliver_ipv6(&f);
    if (f.type == TYPE_ARP) return deliver_arp(&f);
    return lists_type(port, f.type) ? 0 : GUARD_ETHERTYPE;
}
