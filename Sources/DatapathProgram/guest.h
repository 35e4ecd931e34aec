// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a guest may send: the rules in policy.md's order (sections 2 to 5, then 8).
#pragma once
#include "account.h"
#include "arp.h"
#include "ipv4.h"
#include "ipv6.h"

#define HEADERS 58  // Ethernet, a tag, the fixed header of IPv6

static __always_inline __u32 judge_rules(struct frame *f) {
    __u32 reason = read_ethernet(f->skb, f);
    if (unlikely(reason)) return reason;
    if (unlikely(!has_mac(f->port, f->source))) return GUARD_MAC_SOURCE;
    if (unlikely(is_l2_control(f->destination))) return GUARD_L2_CONTROL;
    reason = judge_tags(f);
    if (unlikely(reason)) return reason;
    if (likely(f->type == TYPE_IPV4)) return likely(is_plain4(f)) ? 0 : judge_ipv4(f);
    if (likely(f->type == TYPE_IPV6)) return likely(is_plain6(f)) ? 0 : judge_ipv6(f);
    if (f->type == TYPE_ARP) return judge_arp(f);
    if (lists_type(f->port, f->type)) return 0;
    return f->type == TYPE_RARP && is_announcement_by_rarp(f) ? 0 : GUARD_ETHERTYPE;
}

VERIFIED_ONCE int judge_limits(struct guard_port *port, __u32 group, __u32 neighbor) {
    if (!port) return GUARD_NO_BINDING;
    __u32 slot = port->slot;
    struct guard_state *state = bpf_map_lookup_elem(&states, &slot);
    if (!state) return GUARD_NO_BINDING;
    __u64 now = bpf_ktime_get_ns();
    if (group && port->broadcast_interval && !conforms(&state->broadcast_time, now, port->broadcast_interval, port->broadcast_burst)) return GUARD_LIMIT_BROADCAST;
    if (neighbor && port->neighbor_interval && !conforms(&state->neighbor_time, now, port->neighbor_interval, port->neighbor_burst)) return GUARD_LIMIT_NEIGHBOR;
    return 0;
}

static __always_inline __u32 judge_from_guest(struct __sk_buff *skb, struct guard_port *port) {
    struct frame f = {.skb = skb, .port = port, .pending.ifindex = skb->ifindex};
    pull(skb, HEADERS);
    __u32 reason = judge_rules(&f);
    if (unlikely(!reason && (is_group(f.destination) || f.is_neighbor))) reason = judge_limits(port, is_group(f.destination), f.is_neighbor);
    if (unlikely(!reason && f.pending.count)) reason = claim_pending(port, &f.pending);
    return reason;
}
