// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counting: passed and dropped frames, sampled events, token buckets (policy.md, sections 8 and 10).
#pragma once
#include "maps.h"

// Virtual scheduling (the GCRA of ITU-T I.371): one word a bucket, so that CPUs need no lock. Gives whether the frame
// conforms. A bucket that four CPUs in a row were faster at is one that is overrun.
static __always_inline int conforms(__u64 *time, __u64 now, __u64 interval, __u64 burst) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        __u64 old = *(volatile __u64 *)time;
        __u64 at = old > now ? old : now;
        if (at - now + interval > burst) return 0;
        if (__sync_val_compare_and_swap(time, old, at + interval) == old) return 1;
    }
    return 0;
}

static __always_inline int is_entry(__u32 direction) {
    return direction == GUARD_FROM_GUEST || direction == GUARD_FROM_UPLINK || direction == GUARD_FROM_HOST;
}

static __always_inline void count_passed(struct __sk_buff *skb, __u32 slot, __u32 direction) {
    __u32 index = slot * 2 + (is_entry(direction) ? 0 : 1);
    struct guard_passed *passed_ = bpf_map_lookup_elem(&passed, &index);
    if (unlikely(!passed_)) return;
    passed_->packets++;
    passed_->bytes += skb->len;
}

struct judged {
    __u32 slot;
    __u32 bridge;
    __u32 direction;
    __u32 reason;
    __u32 audited;
};

VERIFIED_ONCE int send_event(struct __sk_buff *skb, struct judged *j, __u64 left_out) {
    if (!j) return 0;
    struct guard_event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
    if (!event) return 0;
    __builtin_memset(event, 0, sizeof *event);
    event->time = bpf_ktime_get_ns();
    event->port = skb->ifindex;
    event->bridge = j->bridge;
    event->length = skb->len;
    event->left_out = left_out > 0xffffffff ? 0xffffffff : left_out;
    event->reason = j->reason;
    event->direction = j->direction;
    event->flags = j->audited ? GUARD_EVENT_AUDITED : 0;
    if (skb->vlan_present) {
        event->flags |= GUARD_EVENT_TAGGED;
        event->vlan_tci = skb->vlan_tci;
        event->vlan_protocol = bpf_ntohs(skb->vlan_proto);
    }
    __u32 length = skb->len;
    if (length >= GUARD_EVENT_BYTES) {
        if (!bpf_skb_load_bytes(skb, 0, event->bytes, GUARD_EVENT_BYTES)) event->captured = GUARD_EVENT_BYTES;
    } else if (length > 0) {
        event->captured = length;
        // Tells the verifier of Linux 6.1 that it isn't 0; clang, which knows, would leave the mask out.
        asm volatile("" : "+r"(length));
        length = ((length - 1) & (GUARD_EVENT_BYTES - 1)) + 1;
        if (bpf_skb_load_bytes(skb, 0, event->bytes, length)) event->captured = 0;
    }
    bpf_ringbuf_submit(event, 0);
    return 1;
}

// Counts a frame that broke a rule, and tells user space of some. Who floods a host with such frames makes it pay for each:
// nothing is called but for an event, and the clock is the kernel's jiffies, which are read as a variable.
static __always_inline void count_broken(struct __sk_buff *skb, struct judged *j) {
    __u32 index = (j->slot * 2 + (is_entry(j->direction) ? 0 : 1)) * GUARD_REASONS + j->reason;
    struct guard_tally *tally = bpf_map_lookup_elem(&tallies, &index);
    if (!tally) return;
    if (unlikely(j->audited)) {
        __sync_fetch_and_add(&tally->audited_packets, 1);
        __sync_fetch_and_add(&tally->audited_bytes, skb->len);
    } else {
        __sync_fetch_and_add(&tally->packets, 1);
        __sync_fetch_and_add(&tally->bytes, skb->len);
    }
    __u64 now = bpf_jiffies64() * guard_tick;
    if (likely(!conforms(&tally->event_time, now, GUARD_EVENT_INTERVAL_NS, GUARD_EVENT_BURST_NS))) {
        __sync_fetch_and_add(&tally->events_left_out, 1);
        return;
    }
    __u64 left_out = tally->events_left_out;
    if (send_event(skb, j, left_out)) {
        if (left_out) __sync_fetch_and_add(&tally->events_left_out, -left_out);
    } else {
        __sync_fetch_and_add(&tally->events_left_out, 1);  // the ring is full: nobody reads, or not fast enough
    }
}

// Three reasons drop in audit mode too (policy.md, Terms).
static __always_inline int drops_in_audit(__u32 reason) {
    return reason == GUARD_NO_BINDING || reason == GUARD_UNJUDGED || reason == GUARD_L2_CONTROL;
}

// The end of every program: counts, and turns a reason into what the kernel does with the frame.
static __always_inline int settle(struct __sk_buff *skb, __u32 slot, __u32 bridge, __u32 flags, __u32 direction, __u32 reason) {
    if (unlikely(reason)) {
        struct judged j = {
            .slot = slot,
            .bridge = bridge,
            .direction = direction,
            .reason = reason,
            .audited = (flags & GUARD_AUDIT) && !drops_in_audit(reason),
        };
        count_broken(skb, &j);
        if (!j.audited) return DROP;
    }
    count_passed(skb, slot, direction);
    return PASS;
}
