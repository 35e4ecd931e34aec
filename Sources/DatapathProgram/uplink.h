// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What comes from the uplink: rules U1 to U3.
#pragma once
#include "guest.h"

static __always_inline int is_guests(const struct guard_owner *owner) {
    return owner && (owner->kind == GUARD_OWNER_GUEST || owner->kind == GUARD_OWNER_CLAIM) && !(owner->flags & GUARD_OWNER_MIGRATING);
}

VERIFIED_ONCE int is_held_mac(__u32 bridge, __u64 mac) {
    struct guard_owner_mac key = {.bridge = bridge};
    __builtin_memcpy(key.mac, &mac, 6);
    return is_guests(bpf_map_lookup_elem(&owner_macs, &key));
}

VERIFIED_ONCE int is_held4(__u32 bridge, __u32 address) {
    struct guard_address4 key = {.scope = bridge, .address = address};
    return is_guests(bpf_map_lookup_elem(&owners4, &key));
}

VERIFIED_ONCE int is_held6(__u32 bridge, struct address6 *address) {
    if (!address) return 0;
    struct guard_address6 key = {.scope = bridge};
    __builtin_memcpy(key.address, address, 16);
    return is_guests(bpf_map_lookup_elem(&owners6, &key));
}

// Nearly all traffic from the uplink is nobody's here: the filter says so at a fraction of a look-up's cost.
static __always_inline int is_guests_mac(__u32 bridge, __u64 mac) {
    return may_be_owned(guard_filter_bit_mac(bridge, mac)) && is_held_mac(bridge, mac);
}

static __always_inline int is_guests4(struct frame *f, __u32 address) {
    __u32 bridge = f->port->bridge;
    return may_be_owned(guard_filter_bit4(bridge, address)) && is_held4(bridge, address);
}

static __always_inline int may_be_guests6(struct frame *f, const struct address6 *address) {
    return may_be_owned(guard_filter_bit(f->port->bridge, address->word[0], address->word[1]));
}

static __always_inline int is_guests6(struct frame *f, struct address6 *address) {
    return may_be_guests6(f, address) && is_held6(f->port->bridge, address);
}

// U3: an advertising router's address becomes reserved, 16 a bridge; any other ND sender is remembered with its MAC.
static __noinline int learn(struct frame *f, struct address6 *source, __u32 is_router) {
    if (!f || !source) return 0;
    struct guard_address6 key = {.scope = f->port->bridge};
    __builtin_memcpy(key.address, source, 16);
    if (!is_router) {
        __u64 *known = bpf_map_lookup_elem(&uplink_neighbors, &key);
        __u64 mac = f->source;
        if (!known || *known != mac) bpf_map_update_elem(&uplink_neighbors, &key, &mac, BPF_ANY);
        return 0;
    }
    if (bpf_map_lookup_elem(&owners6, &key)) return 0;
    struct guard_port *record = record_of(f->port->bridge);
    if (!record) return 0;
    __u32 slot = record->slot;
    struct guard_state *state = bpf_map_lookup_elem(&states, &slot);
    if (!state) return 0;
    struct guard_owner router = {.kind = GUARD_OWNER_ROUTER};
    if (__sync_fetch_and_add(&state->routers, 1) >= GUARD_MAX_ROUTERS || bpf_map_update_elem(&owners6, &key, &router, BPF_NOEXIST))
        __sync_fetch_and_add(&state->routers, -1);
    return 0;
}

static __noinline int judge_icmp6_from_uplink(struct frame *f, struct ip6_header *ip) {
    if (!f || !ip) return 0;
    struct nd_message nd = {};
    __u32 at = f->l3 + 40;
    __u32 present = read_nd(f->skb, at, &nd);
    if (!present || !is_nd(nd.type)) return 0;
    if (nd.type == ICMP6_NEIGHBOR_ADVERTISEMENT && present == sizeof nd && is_guests6(f, &nd.target)) return GUARD_UPLINK_GUEST_ADDRESS;
    if (ip->hop_limit == 255 && nd.code == 0 && is_link_local6(&ip->source)) learn(f, &ip->source, nd.type == ICMP6_ROUTER_ADVERTISEMENT);
    return 0;
}

static __always_inline __u32 judge_addresses(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (likely(f->type == TYPE_IPV4)) {
        struct ip4_header *ip = data + 14;
        if (unlikely((void *)(ip + 1) > end)) return 0;
        return unlikely(is_guests4(f, ip->source)) ? GUARD_UPLINK_GUEST_ADDRESS : 0;
    }
    if (f->type == TYPE_ARP) {
        const struct arp_packet *arp = arp_of(f);
        return arp && is_guests4(f, address4_at(arp->sender)) ? GUARD_UPLINK_GUEST_ADDRESS : 0;
    }
    if (f->type == TYPE_IPV6) {
        struct ip6_header *h = data + 14;
        if (unlikely((void *)(h + 1) > end)) return 0;
        int is_plain = h->next_header != PROTOCOL_ICMP6;
        if (likely(is_plain && !may_be_guests6(f, &h->source))) return 0;
        struct ip6_header ip = *h;
        if (unlikely(is_guests6(f, &ip.source))) return GUARD_UPLINK_GUEST_ADDRESS;
        if (!is_plain) return judge_icmp6_from_uplink(f, &ip);
    }
    return 0;
}

static __always_inline __u32 judge_from_uplink(struct __sk_buff *skb, struct guard_port *port) {
    struct frame f = {.skb = skb, .port = port};
    pull(skb, HEADERS);
    if (unlikely(read_ethernet(skb, &f))) return 0;
    if (unlikely(is_guests_mac(port->bridge, f.source))) return GUARD_UPLINK_GUEST_MAC;
    if (unlikely(skb->vlan_present || is_tag_type(f.type))) return 0;
    return judge_addresses(&f);
}
