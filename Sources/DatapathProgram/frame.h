// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A frame as the rules see it: Ethernet, its tags, and where the network header begins (policy.md, section 2).
#pragma once
#include "maps.h"

#define TYPE_IPV4 bpf_htons(0x0800)
#define TYPE_ARP bpf_htons(0x0806)
#define TYPE_RARP bpf_htons(0x8035)
#define TYPE_IPV6 bpf_htons(0x86dd)
#define TYPE_8021Q bpf_htons(0x8100)
#define TYPE_8021AD bpf_htons(0x88a8)
#define TYPE_9100 bpf_htons(0x9100)

#define MAC_BITS 0xffffffffffffULL
#define BROADCAST_MAC 0xffffffffffffULL

struct address6 {
    __u64 word[2];  // the 16 bytes as they travel
};

struct arp_packet {
    __u16 hardware_type, protocol_type;
    __u8 hardware_length, protocol_length;
    __u16 opcode;
    __u8 sender_mac[6], sender[4], target_mac[6], target[4];
};

struct ip4_header {
    __u8 version_length, tos;
    __u16 total, id, fragment;
    __u8 ttl, protocol;
    __u16 checksum;
    __u32 source, destination;
};

struct ip6_header {
    __u8 version_class;
    __u8 class_flow[3];
    __u16 payload;
    __u8 next_header, hop_limit;
    struct address6 source, destination;
};

struct udp_ports {
    __u16 source, destination;
};

// Link-local addresses to be claimed if the frame passes: a source and a target.
struct pending {
    __u32 count;
    __u32 ifindex;
    struct address6 address[2];
};

struct frame {
    struct __sk_buff *skb;
    struct guard_port *port;
    __u64 source;       // MAC: six bytes as they travel, then two zero bytes
    __u64 destination;  // MAC
    __u32 l3;           // offset of the network header: 14, or 18 behind a tag
    __u16 type;         // EtherType behind a permitted tag, network byte order
    __u32 is_neighbor;  // ARP or ND: section 8 counts it
    struct pending pending;
};

static __always_inline int is_group(__u64 mac) { return mac & 1; }

static __always_inline __u64 mac_at(const void *bytes) {
    const __u16 *half = bytes;
    return half[0] | (__u64)half[1] << 16 | (__u64)half[2] << 32;
}

// 01:80:c2:00:00:00-0f, 01:00:0c:cc:cc:cc and -cd
static __always_inline int is_l2_control(__u64 mac) {
    if (likely(!is_group(mac))) return 0;
    return (mac & 0xf0ffffffffffULL) == 0x00000000c28001ULL || (mac & 0xfeffffffffffULL) == 0xcccccc0c0001ULL;
}

static __always_inline int is_tag_type(__u16 type) { return type == TYPE_8021Q || type == TYPE_8021AD || type == TYPE_9100; }

VERIFIED_ONCE int has_other_mac(struct guard_port *port, __u64 mac) {
    if (!port) return 0;
    for (int i = 1; i < GUARD_PORT_MACS; i++) {
        if (i >= port->macs_count) return 0;
        if (port->more_macs[i - 1] == mac) return 1;
    }
    return 0;
}

// Whether a MAC is in M. A bound port has one at least; most have no more.
static __always_inline int has_mac(struct guard_port *port, __u64 mac) {
    return likely(port->mac == mac) || (port->macs_count > 1 && has_other_mac(port, mac));
}

static __always_inline int lists_type(const struct guard_port *port, __u16 type) {
#pragma unroll
    for (int i = 0; i < GUARD_PORT_ETHERTYPES; i++)
        if (i < port->ethertypes_count && port->ethertypes[i] == type) return 1;
    return 0;
}

// The first `want` bytes, or as many as there are, are made linear: only then can they be read in place.
static __always_inline void pull(struct __sk_buff *skb, __u32 want) {
    if (unlikely((void *)(long)skb->data + want > (void *)(long)skb->data_end)) bpf_skb_pull_data(skb, skb->len < want ? skb->len : want);
}

// The Ethernet header into `f`, tags left for judge_tags. Gives 0, or GUARD_TRUNCATED.
static __always_inline __u32 read_ethernet(struct __sk_buff *skb, struct frame *f) {
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (unlikely(data + 14 > end)) return GUARD_TRUNCATED;
    __u64 tail = *(__u64 *)(data + 6);
    f->destination = *(__u64 *)data & MAC_BITS;
    f->source = tail & MAC_BITS;
    f->type = tail >> 48;
    f->l3 = 14;
    return 0;
}

VERIFIED_ONCE int has_vlan(struct guard_port *port, __u32 tci) {
    if (!port) return 0;
    struct guard_vlan key = {.binding = port->binding, .vid = tci & 0xfff};
    return bpf_map_lookup_elem(&vlans, &key) != 0;
}

// E3: a tag out of band or in the bytes; leaves type and l3 at what the tag covers. Gives 0 or GUARD_VLAN_TAG.
static __always_inline __u32 judge_tags(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    int in_band = is_tag_type(f->type);
    if (likely(!skb->vlan_present && !in_band)) return 0;
    if (!(f->port->flags & GUARD_ROLE_VLAN)) return GUARD_VLAN_TAG;
    if (skb->vlan_present) {
        if (in_band || skb->vlan_proto != TYPE_8021Q || !has_vlan(f->port, skb->vlan_tci)) return GUARD_VLAN_TAG;
        return 0;
    }
    struct {
        __u16 tci, type;
    } tag;
    if (f->type != TYPE_8021Q || bpf_skb_load_bytes(skb, 14, &tag, sizeof tag)) return GUARD_VLAN_TAG;
    if (is_tag_type(tag.type) || !has_vlan(f->port, bpf_ntohs(tag.tci))) return GUARD_VLAN_TAG;
    f->type = tag.type;
    f->l3 = 18;
    return 0;
}

// `size` bytes at `offset` where they are linear, as they nearly always are, or null: a helper's call costs as much as
// ten reads in place.
static __always_inline void *in_place(struct __sk_buff *skb, __u32 offset, __u32 size) {
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (unlikely(offset >= 1024)) return 0;
    // Tells the verifier of Linux 6.1 what was just found: it forgets that where clang keeps the offset on the stack.
    asm volatile("%0 &= 1023" : "+r"(offset));
    return likely(data + offset + size <= end) ? data + offset : 0;
}

// The ports of a UDP header at `offset`.
static __always_inline int read_ports(struct __sk_buff *skb, __u32 offset, struct udp_ports *ports) {
    struct udp_ports *there = in_place(skb, offset, sizeof *there);
    if (unlikely(!there)) return !bpf_skb_load_bytes(skb, offset, ports, sizeof *ports);
    *ports = *there;
    return 1;
}

// The byte at `offset`.
static __always_inline int read_byte(struct __sk_buff *skb, __u32 offset, __u8 *byte) {
    __u8 *there = in_place(skb, offset, 1);
    if (unlikely(!there)) return !bpf_skb_load_bytes(skb, offset, byte, 1);
    *byte = *there;
    return 1;
}
