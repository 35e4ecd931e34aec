// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Neighbour discovery and the rest of ICMPv6 from a guest: rules S5 to S11 (RFC 4861, 4862, 6980).
#pragma once
#include "own.h"

#define ICMP6_MLD_QUERY 130
#define ICMP6_MLD_REPORT 131
#define ICMP6_MLD_DONE 132
#define ICMP6_MLD2_REPORT 143
#define ICMP6_ROUTER_SOLICITATION 133
#define ICMP6_ROUTER_ADVERTISEMENT 134
#define ICMP6_NEIGHBOR_SOLICITATION 135
#define ICMP6_NEIGHBOR_ADVERTISEMENT 136
#define ICMP6_REDIRECT 137

struct nd_message {  // the fixed part as far as it is looked at
    __u8 type, code;
    __u16 checksum;
    __u32 flags;
    struct address6 target;
};
#define ND_SOLICITED 0x40  // in the first byte of the flags

// The message at `offset`: all of it, or where there is less of it at least 8 bytes. Gives how many, 0 for neither.
static __always_inline __u32 read_nd(struct __sk_buff *skb, __u32 offset, struct nd_message *nd) {
    struct nd_message *there = in_place(skb, offset, sizeof *nd);
    if (likely(there)) {
        *nd = *there;
        return sizeof *nd;
    }
    if (!bpf_skb_load_bytes(skb, offset, nd, sizeof *nd)) return sizeof *nd;
    return bpf_skb_load_bytes(skb, offset, nd, 8) ? 0 : 8;
}

// What a walk over the options found, up to where it ended or broke.
struct nd_options {
    __u64 owner;  // the Ethernet source, which link-layer address options must hold
    __u32 broken;
    __u32 sources, targets;  // link-layer address options of type 1 and 2
    __u32 foreign_sources, foreign_targets;  // those that are not 8 bytes holding the Ethernet source
    __u32 unused;
};

static __always_inline int is_nd(__u32 type) { return (type >= 133 && type <= 137) || type == 141 || type == 142; }

static __always_inline __u32 nd_fixed_bytes(__u32 type) {
    return type == ICMP6_ROUTER_ADVERTISEMENT                                              ? 16
           : type == ICMP6_NEIGHBOR_SOLICITATION || type == ICMP6_NEIGHBOR_ADVERTISEMENT ? 24
           : type == ICMP6_REDIRECT                                                        ? 40
                                                                                           : 8;
}

// Takes an option into account: its first 8 bytes.
static __always_inline void note_option(struct nd_options *found, __u64 option) {
    __u32 type = option & 0xff, length = option >> 8 & 0xff;  // then a MAC, if it is a link-layer address
    int own = length == 1 && option >> 16 == found->owner;
    if (type == 1) {
        found->sources++;
        if (!own) found->foreign_sources++;
    } else if (type == 2) {
        found->targets++;
        if (!own) found->foreign_targets++;
    }
}

// Walks the options of an ND message at `at` to `end`. Gives 0 where it came to one that isn't linear, and only those are
// to be read: a walk that could read each in two ways would be verified for each row of ways.
static __always_inline int walk(struct __sk_buff *skb, struct nd_options *found, __u32 at, __u32 end, int only_linear) {
    found->broken = 1;
    found->sources = found->targets = found->foreign_sources = found->foreign_targets = 0;
    for (int i = 0; i < GUARD_MAX_ND_OPTIONS; i++) {
        if (at == end) break;
        if (at > end || end - at < 8) return 1;
        __u64 option;
        if (only_linear) {
            __u64 *there = in_place(skb, at, 8);
            if (unlikely(!there)) return 0;
            option = *there;
        } else if (bpf_skb_load_bytes(skb, at, &option, 8)) {
            return 1;
        }
        __u32 length = option >> 8 & 0xff;
        if (length == 0 || end - at < length * 8) return 1;
        note_option(found, option);
        at += length * 8;
    }
    found->broken = at != end;
    return 1;
}

VERIFIED_ONCE int walk_linear(struct __sk_buff *skb, struct nd_options *found, __u32 at, __u32 end) {
    return found ? walk(skb, found, at, end, 1) : 1;
}

VERIFIED_ONCE int walk_any(struct __sk_buff *skb, struct nd_options *found, __u32 at, __u32 end) {
    return found ? walk(skb, found, at, end, 0) : 1;
}

// What the options of an ND message say. Nearly all have none, or one of 8 bytes: a call costs more than to look at that.
static __always_inline void read_nd_options(struct __sk_buff *skb, struct nd_options *found, __u32 at, __u32 end) {
    if (at == end) return;
    __u64 *only = end - at == 8 ? in_place(skb, at, 8) : 0;
    if (likely(only && (*only >> 8 & 0xff) == 1)) note_option(found, *only);
    else if (!walk_linear(skb, found, at, end)) walk_any(skb, found, at, end);
}

// RFC 4291, 2.7.1: ff02::1:ff and the target's last three bytes.
static __always_inline int is_solicited_node_group(const struct address6 *group, const struct address6 *target) {
    return group->word[0] == 0x02ffULL && group->word[1] == ((target->word[1] & 0xffffff0000000000ULL) | 0x000000ff01000000ULL);
}

static __always_inline __u32 judge_solicitation(struct frame *f, struct ip6_header *ip, struct nd_message *nd, struct nd_options *options) {
    if (is_multicast6(&nd->target)) return GUARD_ND_SOLICITATION;
    if (is_unspecified6(&ip->source)) {  // duplicate address detection
        __u32 reason = require6(f, &nd->target, GUARD_ND_SOLICITATION);
        if (reason) return reason;
        return is_solicited_node_group(&ip->destination, &nd->target) && !options->sources ? 0 : GUARD_ND_SOLICITATION;
    }
    return options->sources > 1 || options->foreign_sources ? GUARD_ND_SOLICITATION : 0;
}

static __always_inline __u32 judge_advertisement(struct frame *f, struct ip6_header *ip, struct nd_message *nd, struct nd_options *options) {
    __u32 reason = require6(f, &nd->target, GUARD_ND_ADVERTISEMENT);
    if (reason) return reason;
    if (options->targets > 1 || options->foreign_targets) return GUARD_ND_ADVERTISEMENT;
    return is_multicast6(&ip->destination) && (nd->flags & ND_SOLICITED) ? GUARD_ND_ADVERTISEMENT : 0;
}

// S7 and S8, for a message of which there is enough.
static __noinline int judge_neighbor(struct frame *f, struct ip6_header *ip, struct nd_options *options, __u32 at) {
    if (!f || !ip || !options) return GUARD_ND_MALFORMED;
    struct nd_message nd;
    if (read_nd(f->skb, at, &nd) < sizeof nd) return GUARD_ND_MALFORMED;
    return nd.type == ICMP6_NEIGHBOR_SOLICITATION ? judge_solicitation(f, ip, &nd, options) : judge_advertisement(f, ip, &nd, options);
}

// S5 to S9, for an ND message of inverse ND too, from `at` to `end`. The options were read before, for rule S2.
static __always_inline __u32 judge_nd(struct frame *f, struct ip6_header *ip, struct nd_options *options, __u8 type, __u32 at, __u32 end) {
    __u8 code;
    if (ip->hop_limit != 255 || end - at < nd_fixed_bytes(type) || options->broken) return GUARD_ND_MALFORMED;
    if (!read_byte(f->skb, at + 1, &code) || code != 0) return GUARD_ND_MALFORMED;
    __u32 flags = f->port->flags;
    f->is_neighbor = 1;
    switch (type) {
    case ICMP6_ROUTER_ADVERTISEMENT:
        return flags & GUARD_ROLE_ROUTER ? 0 : GUARD_RA_GUARD;
    case ICMP6_REDIRECT:
        return flags & GUARD_ROLE_ROUTER ? 0 : GUARD_ND_REDIRECT;
    case ICMP6_ROUTER_SOLICITATION:
        return options->sources > 1 || options->foreign_sources ? GUARD_ND_ROUTER_SOLICITATION : 0;
    case ICMP6_NEIGHBOR_SOLICITATION:
    case ICMP6_NEIGHBOR_ADVERTISEMENT:
        return judge_neighbor(f, ip, options, at);
    default:
        return GUARD_ICMP6_CONTROL;
    }
}

// S10 and S11.
static __always_inline __u32 judge_icmp6(struct guard_port *port, __u32 type) {
    if (type == 138 || (type >= 144 && type <= 149) || (type >= 151 && type <= 153)) return GUARD_ICMP6_CONTROL;
    return type == ICMP6_MLD_QUERY && !(port->flags & GUARD_ROLE_MULTICAST_QUERIER) ? GUARD_MULTICAST_QUERY : 0;
}
