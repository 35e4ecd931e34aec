// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The maps: what Datapath writes and the programs read, but for claims, routers, neighbours and counts.
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "include/guard.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "MAC addresses are compared as little-endian words"
#endif

#define PASS (-1)  // TCX_NEXT, and TC_ACT_UNSPEC of a clsact filter: whoever comes next decides
#define DROP 2     // TCX_DROP, TC_ACT_SHOT

// A global function: the verifier looks at it once, by its argument types, not again for each state of each caller.
// It may take the context, numbers, and pointers to memory of known size, which it must check for null.
#define VERIFIED_ONCE __attribute__((noinline))

// What most frames do lies together in the program, and the rest behind it: between two frames the caches of a CPU are
// filled with other things, and each line of code costs as much as ten instructions.
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

const volatile __u32 guard_stamp = GUARD_DEFAULT_STAMP;
const volatile __u32 guard_tick = 1000000;  // nanoseconds from one jiffy of the kernel's to the next

#define MAP(name, kind, entries, key_type, value_type, flags) \
    struct {                                                  \
        __uint(type, kind);                                   \
        __uint(max_entries, entries);                         \
        __uint(map_flags, flags);                             \
        __type(key, key_type);                                \
        __type(value, value_type);                            \
    } name SEC(".maps")

// Sizes in GUARD_MAX_PORTS are the largest there are: whoever loads this sets them to the host's (ObjectLoader.swift).
MAP(port_index, BPF_MAP_TYPE_ARRAY, GUARD_INDEX_ENTRIES, __u32, __u32, BPF_F_MMAPABLE);
MAP(port_index_more, BPF_MAP_TYPE_HASH, GUARD_MAX_PORTS, __u32, __u32, BPF_F_NO_PREALLOC);
MAP(records, BPF_MAP_TYPE_ARRAY, GUARD_MAX_PORTS * 2, __u32, struct guard_port, BPF_F_MMAPABLE);
MAP(labels, BPF_MAP_TYPE_HASH, GUARD_MAX_PORTS, __u32, struct guard_label, BPF_F_NO_PREALLOC);
MAP(addresses4, BPF_MAP_TYPE_HASH, GUARD_MAX_ADDRESSES, struct guard_address4, __u8, BPF_F_NO_PREALLOC);
MAP(addresses6, BPF_MAP_TYPE_HASH, GUARD_MAX_ADDRESSES, struct guard_address6, __u8, BPF_F_NO_PREALLOC);
MAP(prefixes4, BPF_MAP_TYPE_LPM_TRIE, GUARD_MAX_PREFIXES, struct guard_prefix4, __u8, BPF_F_NO_PREALLOC);
MAP(prefixes6, BPF_MAP_TYPE_LPM_TRIE, GUARD_MAX_PREFIXES, struct guard_prefix6, __u8, BPF_F_NO_PREALLOC);
MAP(vlans, BPF_MAP_TYPE_HASH, GUARD_MAX_ADDRESSES, struct guard_vlan, __u8, BPF_F_NO_PREALLOC);
MAP(owners4, BPF_MAP_TYPE_HASH, GUARD_MAX_OWNERS, struct guard_address4, struct guard_owner, BPF_F_NO_PREALLOC);
MAP(owners6, BPF_MAP_TYPE_HASH, GUARD_MAX_OWNERS, struct guard_address6, struct guard_owner, BPF_F_NO_PREALLOC);
MAP(owner_macs, BPF_MAP_TYPE_HASH, GUARD_MAX_OWNERS, struct guard_owner_mac, struct guard_owner, BPF_F_NO_PREALLOC);
MAP(owner_prefixes4, BPF_MAP_TYPE_LPM_TRIE, GUARD_MAX_PREFIXES, struct guard_prefix4, struct guard_owner, BPF_F_NO_PREALLOC);
MAP(owner_prefixes6, BPF_MAP_TYPE_LPM_TRIE, GUARD_MAX_PREFIXES, struct guard_prefix6, struct guard_owner, BPF_F_NO_PREALLOC);
MAP(owner_filter, BPF_MAP_TYPE_ARRAY, GUARD_FILTER_WORDS, __u32, __u64, BPF_F_MMAPABLE);
MAP(uplink_neighbors, BPF_MAP_TYPE_LRU_HASH, GUARD_MAX_UPLINK_NEIGHBOURS, struct guard_address6, __u64, 0);
MAP(tallies, BPF_MAP_TYPE_ARRAY, GUARD_MAX_PORTS * 2 * GUARD_REASONS, __u32, struct guard_tally, BPF_F_MMAPABLE);
MAP(passed, BPF_MAP_TYPE_PERCPU_ARRAY, GUARD_MAX_PORTS * 2, __u32, struct guard_passed, 0);
MAP(states, BPF_MAP_TYPE_ARRAY, GUARD_MAX_PORTS, __u32, struct guard_state, 0);
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, GUARD_EVENT_RING_BYTES);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, GUARD_DHCP_RING_BYTES);
} dhcp SEC(".maps");
MAP(leases, BPF_MAP_TYPE_HASH, GUARD_MAX_LEASES, struct guard_lease_key, struct guard_lease, BPF_F_NO_PREALLOC);

_Static_assert(GUARD_MAX_PORTS * 2 <= 1 << GUARD_ENTRY_NUMBER_BITS, "an entry has room for each record's number");
_Static_assert(sizeof(struct guard_port) % 64 == 0, "each record begins where a cache line does");

VERIFIED_ONCE int entry_beside(__u32 ifindex) {
    __u32 *entry = bpf_map_lookup_elem(&port_index_more, &ifindex);
    return entry ? *entry : 0;
}

// The entry of an interface, or 0.
static __always_inline __u32 entry_of(__u32 ifindex) {
    __u32 at = ifindex % GUARD_INDEX_ENTRIES;
    __u32 *there = bpf_map_lookup_elem(&port_index, &at);
    __u32 entry = there ? *(volatile __u32 *)there : 0;
    return likely(guard_entry_is_of(entry, ifindex)) ? entry : entry_beside(ifindex);
}

// The record that an entry tells of, or null.
static __always_inline struct guard_port *record_at(__u32 entry, __u32 ifindex) {
    __u32 number = guard_entry_number(entry);
    if (unlikely(!number)) return 0;
    struct guard_port *port = bpf_map_lookup_elem(&records, &number);
    return likely(port && port->ifindex == ifindex) ? port : 0;
}

// The record of an interface, or null.
static __always_inline struct guard_port *record_of(__u32 ifindex) { return record_at(entry_of(ifindex), ifindex); }
