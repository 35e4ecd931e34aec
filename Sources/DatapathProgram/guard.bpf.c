// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "guard.h"

#define TCX_NEXT (-1)
#define TCX_DROP 2
#define MAP(name, kind, flags, key_type, value_type, entries) \
    struct { \
        __uint(type, BPF_MAP_TYPE_##kind); \
        __uint(map_flags, flags); \
        __uint(max_entries, entries); \
        __type(key, key_type); \
        __type(value, value_type); \
    } name SEC(".maps")
MAP(ports, HASH, 0, __u32, struct guard_port, GUARD_MAX_PORTS);
MAP(addresses4, HASH, BPF_F_NO_PREALLOC, struct guard_address4, __u8, GUARD_MAX_ADDRESSES);
MAP(addresses6, HASH, BPF_F_NO_PREALLOC, struct guard_address6, __u8, GUARD_MAX_ADDRESSES);
MAP(prefixes4, LPM_TRIE, BPF_F_NO_PREALLOC, struct guard_prefix4, __u8, GUARD_MAX_PREFIXES);
MAP(prefixes6, LPM_TRIE, BPF_F_NO_PREALLOC, struct guard_prefix6, __u8, GUARD_MAX_PREFIXES);
MAP(vlans, HASH, BPF_F_NO_PREALLOC, struct guard_vlan, __u8, GUARD_MAX_ADDRESSES);
MAP(owners4, HASH, BPF_F_NO_PREALLOC, struct guard_address4, struct guard_owner, GUARD_MAX_OWNERS);
MAP(owners6, HASH, BPF_F_NO_PREALLOC, struct guard_address6, struct guard_owner, GUARD_MAX_OWNERS);
MAP(owner_macs, HASH, BPF_F_NO_PREALLOC, struct guard_owner_mac, struct guard_owner, GUARD_MAX_OWNERS);
MAP(owner_prefixes4, LPM_TRIE, BPF_F_NO_PREALLOC, struct guard_prefix4, struct guard_owner, GUARD_MAX_PREFIXES);
MAP(owner_prefixes6, LPM_TRIE, BPF_F_NO_PREALLOC, struct guard_prefix6, struct guard_owner, GUARD_MAX_PREFIXES);
MAP(uplink_neighbors, LRU_HASH, 0, struct guard_address6, __u64, GUARD_MAX_UPLINK_NEIGHBOURS);
MAP(tallies, ARRAY, BPF_F_MMAPABLE, __u32, struct guard_tally, GUARD_MAX_PORTS * 2 * GUARD_REASONS);
MAP(passed, PERCPU_ARRAY, 0, __u32, struct guard_passed, GUARD_MAX_PORTS * 2);
MAP(states, ARRAY, 0, __u32, struct guard_state, GUARD_MAX_PORTS);
MAP(labels, HASH, BPF_F_NO_PREALLOC, __u32, struct guard_label, GUARD_MAX_PORTS);
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, GUARD_EVENT_RING_BYTES);
} events SEC(".maps");

const volatile __u32 guard_stamp = GUARD_DEFAULT_STAMP;
char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline int judge(struct __sk_buff *frame, __u8 direction) {
    __u32 key = frame->ifindex;
    __u32 side = direction & 1;
    struct guard_port *port = bpf_map_lookup_elem(&ports, &key);
    __u32 slot = port ? port->slot : 0;
    if (slot >= GUARD_MAX_PORTS) return TCX_DROP;
    if (port && (port->flags & GUARD_BOUND)) {
        __u32 row = slot * 2 + side;
        struct guard_passed *count = bpf_map_lookup_elem(&passed, &row);
        if (count) {
            count->packets++;
            count->bytes += frame->len;
        }
        frame->mark |= guard_stamp;
        return TCX_NEXT;
    }
    __u32 row = (slot * 2 + side) * GUARD_REASONS + GUARD_NO_BINDING;
    struct guard_tally *tally = bpf_map_lookup_elem(&tallies, &row);
    if (tally) {
        __sync_fetch_and_add(&tally->packets, 1);
        __sync_fetch_and_add(&tally->bytes, frame->len);
    }
    struct guard_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (event) {
        __builtin_memset(event, 0, sizeof(*event));
        event->time = bpf_ktime_get_ns();
        event->port = key;
        event->length = frame->len;
        event->reason = GUARD_NO_BINDING;
        event->direction = direction;
        if (frame->len >= 14 && !bpf_skb_load_bytes(frame, 0, event->bytes, 14)) event->captured = 14;
        bpf_ringbuf_submit(event, 0);
    }
    return TCX_DROP;
}

#define PROGRAM(name, direction) \
    SEC("tc") int name(struct __sk_buff *frame) { return judge(frame, direction); }
PROGRAM(guest_ingress, GUARD_FROM_GUEST)
PROGRAM(guest_egress, GUARD_TO_GUEST)
PROGRAM(uplink_ingress, GUARD_FROM_UPLINK)
PROGRAM(uplink_egress, GUARD_TO_UPLINK)
PROGRAM(bridge_ingress, GUARD_TO_HOST)
PROGRAM(bridge_egress, GUARD_FROM_HOST)
