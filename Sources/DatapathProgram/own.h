// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose an address is: a binding's own, another owner's, or free to be claimed (policy.md, Terms and section 5).
#pragma once
#include "frame.h"

enum own {
    OWN_NOT = 0,
    OWN_YES = 1,
    OWN_CLAIMABLE = 2,
    OWN_TAKEN = 3,
};

VERIFIED_ONCE int has_more4(struct guard_port *port, __u32 address, __u32 use) {
    if (!port) return 0;
    if (port->flags & GUARD_MORE_ADDRESSES4) {
        struct guard_address4 key = {.scope = port->binding, .address = address};
        __u8 *value = bpf_map_lookup_elem(&addresses4, &key);
        if (value && *value == use) return 1;
    }
    if (use == GUARD_USE_OWN && (port->flags & GUARD_MORE_PREFIXES4)) {
        struct guard_prefix4 key = {.length = 64, .scope = port->binding, .address = address};
        if (bpf_map_lookup_elem(&prefixes4, &key)) return 1;
    }
    return 0;
}

// Whether a guest of the bridge may have the address or MAC of this bit.
static __always_inline int may_be_owned(__u32 bit) {
    __u32 at = bit / 64;
    __u64 *word = bpf_map_lookup_elem(&owner_filter, &at);
    return !word || (*word >> (bit % 64) & 1);
}

static __always_inline void mark_owned(__u32 bit) {
    __u32 at = bit / 64;
    __u64 *word = bpf_map_lookup_elem(&owner_filter, &at);
    if (word) __sync_fetch_and_or(word, 1ULL << (bit % 64));
}

static __always_inline int is_in4(const struct guard_net4 *net, __u32 address) { return ((address ^ net->address) & net->mask) == 0; }

VERIFIED_ONCE int has_other4(struct guard_port *port, __u32 address) {
    if (!port) return 0;
    for (int i = 1; i < GUARD_PORT_NETS4; i++) {
        if (i >= port->nets4_count) return 0;
        if (is_in4(&port->nets4[i], address)) return 1;
    }
    if (port->flags & (GUARD_MORE_ADDRESSES4 | GUARD_MORE_PREFIXES4)) return has_more4(port, address, GUARD_USE_OWN);
    return 0;
}

// Whether an IPv4 address, in network byte order, is in A4. Most guests have one, most frames are of the first: a call
// costs more than to compare.
static __always_inline int own4(struct guard_port *port, __u32 address) {
    return port->nets4_count > 0 && (likely(is_in4(&port->nets4[0], address)) || (port->nets4_count > 1 && has_other4(port, address)));
}

static __always_inline int is_broadcast4(struct guard_port *port, __u32 address) {
    if (port->broadcasts4_count > 0 && port->broadcasts4[0] == address) return 1;
    if (port->broadcasts4_count > 1 && port->broadcasts4[1] == address) return 1;
    if (port->flags & GUARD_MORE_ADDRESSES4) return has_more4(port, address, GUARD_USE_BROADCAST);
    return 0;
}

VERIFIED_ONCE int has_more6(struct guard_port *port, struct address6 *address) {
    if (!port || !address) return 0;
    if (port->flags & GUARD_MORE_ADDRESSES6) {
        struct guard_address6 key = {.scope = port->binding};
        __builtin_memcpy(key.address, address, 16);
        if (bpf_map_lookup_elem(&addresses6, &key)) return 1;
    }
    if (port->flags & GUARD_MORE_PREFIXES6) {
        struct guard_prefix6 key = {.length = 160, .scope = port->binding};
        __builtin_memcpy(key.address, address, 16);
        if (bpf_map_lookup_elem(&prefixes6, &key)) return 1;
    }
    return 0;
}

static __always_inline int is_in6(const struct guard_net6 *net, const struct address6 *address) {
    return (((address->word[0] ^ net->address[0]) & net->mask[0]) | ((address->word[1] ^ net->address[1]) & net->mask[1])) == 0;
}

VERIFIED_ONCE int has_other6(struct guard_port *port, struct address6 *address) {
    if (!port || !address) return 0;
    for (int i = 2; i < GUARD_PORT_NETS6; i++) {
        if (i >= port->nets6_count) return 0;
        if (is_in6(&port->nets6[i], address)) return 1;
    }
    if (port->flags & (GUARD_MORE_ADDRESSES6 | GUARD_MORE_PREFIXES6)) return has_more6(port, address);
    return 0;
}

// Whether an IPv6 address is in the first two of A6 and LL: an address and a prefix are what most guests have. A bound port
// has one at least, of its MAC.
static __always_inline int is_first6(const struct guard_port *port, const struct address6 *address) {
    return likely(is_in6(&port->nets6[0], address)) || (port->nets6_count > 1 && is_in6(&port->nets6[1], address));
}

// Whether an IPv6 address is in A6, or in LL without a claim.
static __always_inline int own6(struct guard_port *port, struct address6 *address) {
    return likely(is_first6(port, address)) || (port->nets6_count > 2 && has_other6(port, address));
}

static __always_inline int equal6(const struct address6 *a, const struct address6 *b) {
    return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1])) == 0;
}

static __always_inline int is_unspecified6(const struct address6 *a) { return (a->word[0] | a->word[1]) == 0; }
static __always_inline int is_multicast6(const struct address6 *a) { return (a->word[0] & 0xff) == 0xff; }
static __always_inline int is_link_local6(const struct address6 *a) { return (a->word[0] & 0xc0ff) == 0x80fe; }
// fe80::/64: what can be claimed
static __always_inline int is_claimable6(const struct address6 *a) { return a->word[0] == 0x80fe; }

// A link-local address that the binding doesn't list: whose is it? (section 5, cases 1 to 4)
VERIFIED_ONCE int claim_state(struct guard_port *port, struct pending *pending, struct address6 *address) {
    if (!port || !pending || !address || !(port->flags & GUARD_CLAIM)) return OWN_NOT;
    struct guard_address6 key = {.scope = port->bridge};
    __builtin_memcpy(key.address, address, 16);
    struct guard_owner *owner = bpf_map_lookup_elem(&owners6, &key);
    if (owner) return owner->kind == GUARD_OWNER_CLAIM && owner->port == pending->ifindex ? OWN_YES : OWN_TAKEN;
    if ((address->word[1] & 0x00ffffffffffffffULL) == 0) return OWN_TAKEN;  // fe80::/120
    __u64 *mac = bpf_map_lookup_elem(&uplink_neighbors, &key);
    if (mac && !has_mac(port, *mac)) return OWN_TAKEN;
    if (pending->count > 0 && equal6(&pending->address[0], address)) return OWN_CLAIMABLE;
    __u32 slot = port->slot;
    struct guard_state *state = bpf_map_lookup_elem(&states, &slot);
    if (!state || state->claims + pending->count >= GUARD_MAX_CLAIMS) return OWN_NOT;
    return OWN_CLAIMABLE;
}

static __always_inline int owns6(struct frame *f, struct address6 *address) {
    if (likely(own6(f->port, address))) return OWN_YES;
    return is_claimable6(address) ? claim_state(f->port, &f->pending, address) : OWN_NOT;
}

// A rule that needs the address to be the guest's: 0, `reason`, or GUARD_LL_CLAIMED.
static __always_inline __u32 require6(struct frame *f, struct address6 *address, __u32 reason) {
    switch (owns6(f, address)) {
    case OWN_YES:
        return 0;
    case OWN_TAKEN:
        return GUARD_LL_CLAIMED;
    case OWN_CLAIMABLE:
        if (f->pending.count == 0) {
            f->pending.address[0] = *address;
            f->pending.count = 1;
        } else if (f->pending.count == 1 && !equal6(&f->pending.address[0], address)) {
            f->pending.address[1] = *address;
            f->pending.count = 2;
        }
        return 0;
    default:
        return reason;
    }
}

static __always_inline int claim(struct guard_port *port, __u32 ifindex, struct address6 *address) {
    __u32 slot = port->slot;
    struct guard_state *state = bpf_map_lookup_elem(&states, &slot);
    if (!state) return GUARD_LL_CLAIMED;
    struct guard_address6 key = {.scope = port->bridge};
    __builtin_memcpy(key.address, address, 16);
    struct guard_owner owner = {.port = ifindex, .kind = GUARD_OWNER_CLAIM, .flags = port->flags & GUARD_MIGRATING ? GUARD_OWNER_MIGRATING : 0};
    mark_owned(guard_filter_bit(port->bridge, address->word[0], address->word[1]));
    // Counted first: two CPUs can't both take the last one.
    if (__sync_fetch_and_add(&state->claims, 1) < GUARD_MAX_CLAIMS && !bpf_map_update_elem(&owners6, &key, &owner, BPF_NOEXIST)) return 0;
    __sync_fetch_and_add(&state->claims, -1);
    struct guard_owner *holder = bpf_map_lookup_elem(&owners6, &key);
    return holder && holder->kind == GUARD_OWNER_CLAIM && holder->port == ifindex ? 0 : GUARD_LL_CLAIMED;
}

// The frame has passed: what it claimed becomes the guest's. Gives 0, or GUARD_LL_CLAIMED where somebody was faster.
VERIFIED_ONCE int claim_pending(struct guard_port *port, struct pending *pending) {
    if (!port || !pending) return GUARD_LL_CLAIMED;
    int reason = 0;
    if (pending->count > 0) reason = claim(port, pending->ifindex, &pending->address[0]);
    if (!reason && pending->count > 1) reason = claim(port, pending->ifindex, &pending->address[1]);
    return reason;
}

// Sources a transit guest never uses: nonsense, reserved ones, other guests'. The guest's own were looked at before.
VERIFIED_ONCE int never_transit4(__u32 bridge, __u32 address) {
    __u8 first = address & 0xff;
    if (first == 0 || first == 127 || first >= 224) return 1;
    struct guard_address4 key = {.scope = bridge, .address = address};
    if (bpf_map_lookup_elem(&owners4, &key)) return 1;
    struct guard_prefix4 prefix = {.length = 64, .scope = bridge, .address = address};
    return bpf_map_lookup_elem(&owner_prefixes4, &prefix) != 0;
}

VERIFIED_ONCE int never_transit6(__u32 bridge, struct address6 *address) {
    if (!address) return 1;
    if (is_multicast6(address) || is_link_local6(address)) return 1;
    if (address->word[0] == 0 && (address->word[1] & 0xfeffffffffffffffULL) == 0) return 1;  // ::, ::1
    struct guard_address6 key = {.scope = bridge};
    __builtin_memcpy(key.address, address, 16);
    if (bpf_map_lookup_elem(&owners6, &key)) return 1;
    struct guard_prefix6 prefix = {.length = 160, .scope = bridge};
    __builtin_memcpy(prefix.address, address, 16);
    return bpf_map_lookup_elem(&owner_prefixes6, &prefix) != 0;
}
