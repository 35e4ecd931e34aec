// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The six places where a guarded bridge judges (policy.md, section 1): each program looks up its port, judges, counts.
// Attached by tcx links or as clsact filters alike.
#include "dhcp.h"
#include "uplink.h"

#define PACKET_TYPE_HOST 0
#define PACKET_TYPE_LOOPBACK 5

static __always_inline int is_stamped(struct __sk_buff *skb) { return (skb->mark & guard_stamp) != 0; }
static __always_inline void stamp(struct __sk_buff *skb) { skb->mark |= guard_stamp; }

// A stamp is good for one crossing. Written only where it stands: a write to the mark isn't free.
static __always_inline void clear_stamp(struct __sk_buff *skb) {
    if (is_stamped(skb)) skb->mark &= ~guard_stamp;
}

static __always_inline struct guard_port *port_of(struct __sk_buff *skb, __u32 kind) {
    struct guard_port *port = record_of(skb->ifindex);
    return likely(port && port->kind == kind) ? port : 0;
}

static __always_inline int refuse(struct __sk_buff *skb, struct guard_port *port, __u32 direction) {
    return settle(skb, port ? port->slot : 0, port ? port->bridge : 0, 0, direction, GUARD_NO_BINDING);
}

// Where nothing but the stamp is looked at: the counter slot comes with the index, and the record is for those that break
// a rule, whatever the mode (see drops_in_audit).
static __always_inline int settle_stamp(struct __sk_buff *skb, __u32 kind, __u32 direction, __u32 reason) {
    __u32 entry = entry_of(skb->ifindex);
    if (likely(!reason && guard_entry_kind(entry) == kind)) {
        count_passed(skb, guard_entry_number(entry) / 2, direction);
        return PASS;
    }
    struct guard_port *port = record_at(entry, skb->ifindex);
    if (!port || port->kind != kind) return refuse(skb, port, direction);
    return settle(skb, port->slot, port->bridge, 0, direction, reason);
}

// A record's memory may be given to the next one while a packet still reads it: then the packet was judged by half a
// binding, and goes.
static __always_inline int is_torn(struct guard_port *port, __u32 binding) { return *(volatile __u32 *)&port->binding != binding; }

SEC("tc")
int guest_ingress(struct __sk_buff *skb) {
    struct guard_port *port = port_of(skb, GUARD_KIND_GUEST);
    if (unlikely(!port || !(port->flags & GUARD_BOUND))) return refuse(skb, port, GUARD_FROM_GUEST);
    __u32 binding = *(volatile __u32 *)&port->binding;
    __u32 reason = judge_from_guest(skb, port);
    if (unlikely(is_torn(port, binding))) reason = GUARD_NO_BINDING;
    int verdict = settle(skb, port->slot, port->bridge, port->flags, GUARD_FROM_GUEST, reason);
    if (likely(verdict == PASS)) stamp(skb);
    if (unlikely(!reason && port->flags & GUARD_DHCP)) tell_dhcp(skb, port, GUARD_FROM_GUEST);
    return verdict;
}

SEC("tc")
int guest_egress(struct __sk_buff *skb) {
    struct guard_port *port = port_of(skb, GUARD_KIND_GUEST);
    if (unlikely(!port || !(port->flags & GUARD_BOUND))) return refuse(skb, port, GUARD_TO_GUEST);
    __u32 binding = *(volatile __u32 *)&port->binding;
    __u32 reason = unlikely(!is_stamped(skb) && skb->ingress_ifindex) ? GUARD_UNJUDGED : judge_to_guest(skb, port);
    if (unlikely(is_torn(port, binding))) reason = GUARD_NO_BINDING;
    if (unlikely(!reason && port->flags & GUARD_DHCP)) tell_dhcp(skb, port, GUARD_TO_GUEST);
    clear_stamp(skb);
    return settle(skb, port->slot, port->bridge, port->flags, GUARD_TO_GUEST, reason);
}

SEC("tc")
int uplink_ingress(struct __sk_buff *skb) {
    struct guard_port *port = port_of(skb, GUARD_KIND_UPLINK);
    if (unlikely(!port)) return refuse(skb, port, GUARD_FROM_UPLINK);
    int verdict = settle(skb, port->slot, port->bridge, port->flags, GUARD_FROM_UPLINK, judge_from_uplink(skb, port));
    if (likely(verdict == PASS)) stamp(skb);
    return verdict;
}

SEC("tc")
int uplink_egress(struct __sk_buff *skb) {
    __u32 reason = unlikely(!is_stamped(skb) && skb->ingress_ifindex) ? GUARD_UNJUDGED : 0;
    clear_stamp(skb);
    return settle_stamp(skb, GUARD_KIND_UPLINK, GUARD_TO_UPLINK, reason);
}

// Frames that the bridge hands to the host's own stack. Two kinds are the host's own and carry no stamp.
SEC("tc")
int bridge_ingress(struct __sk_buff *skb) {
    __u32 reason = 0;
    if (!is_stamped(skb) && skb->pkt_type != PACKET_TYPE_LOOPBACK) {
        __u8 first = 0;
        int to_group = !bpf_skb_load_bytes(skb, 0, &first, 1) && (first & 1);
        if (skb->pkt_type != PACKET_TYPE_HOST || !to_group) reason = GUARD_UNJUDGED;
    }
    clear_stamp(skb);
    return settle_stamp(skb, GUARD_KIND_BRIDGE, GUARD_TO_HOST, reason);
}

SEC("tc")
int bridge_egress(struct __sk_buff *skb) {
    int verdict = settle_stamp(skb, GUARD_KIND_BRIDGE, GUARD_FROM_HOST, 0);
    if (likely(verdict == PASS)) stamp(skb);
    return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
