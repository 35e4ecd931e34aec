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

// The first 8 bytes of an option. A function of its own: the walk would be verified for each way of each of its turns.
VERIFIED_ONCE int read_option(struct __sk_buff *skb, __u32 at, __u64 *option) {
    if (!option) return 0;
    __u64 *there = in_place(skb, at, 8);
    if (unlikely(!there)) return !bpf_skb_load_bytes(skb, at, option, 8);
    *option = *there;
    return 1;
}

// Walks the options of an ND message at `offset` to `end`.
VERIFIED_ONCE int walk_nd_options(struct __sk_buff *skb, struct nd_options *found, __u32 at, __u32 end) {
    if (!found) return 0;
    found->broken = 1;
    for (int i = 0; i < GUARD_MAX_ND_OPTIONS; i++) {
        if (at == end) break;
        if (at > end || end - at < 8) return 0;
        __u64 option;
        if (!read_option(skb, at, &option)) return 0;
        __u32 type = option & 0xff, length = option >> 8 & 0xff;  // then a MAC, if it is a link-layer address
        if (length == 0 || end - at < length * 8) return 0;
        int own = length == 1 && option >> 16 == found->owner;
        if (type == 1) {
            found->sources++;
            if (!own) found->foreign_sources++;
        } else if (type == 2) {
            found->targets++;
            if (!own) found->foreign_targets++;
        }
        at += length * 8;
    }
    found->broken = at != end;
    return 0;
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

// S5 to S9, for an ND message of inverse ND too. The walk was made before, for rule S2.
static __noinline int judge_nd(struct frame *f, struct ip6_header *ip, struct nd_options *options, __u32 offset, __u32 length) {
    if (!f || !ip || !options) return GUARD_ND_MALFORMED;
    struct nd_message nd = {};
    __u32 present = read_nd(f->skb, offset, &nd);
    if (!present) return GUARD_ND_MALFORMED;
    if (ip->hop_limit != 255 || nd.code != 0 || length < nd_fixed_bytes(nd.type) || options->broken) return GUARD_ND_MALFORMED;
    __u32 flags = f->port->flags;
    f->is_neighbor = 1;
    switch (nd.type) {
    case ICMP6_ROUTER_ADVERTISEMENT:
        return flags & GUARD_ROLE_ROUTER ? 0 : GUARD_RA_GUARD;
    case ICMP6_REDIRECT:
        return flags & GUARD_ROLE_ROUTER ? 0 : GUARD_ND_REDIRECT;
    case ICMP6_ROUTER_SOLICITATION:
        return options->sources > 1 || options->foreign_sources ? GUARD_ND_ROUTER_SOLICITATION : 0;
    case ICMP6_NEIGHBOR_SOLICITATION:
    case ICMP6_NEIGHBOR_ADVERTISEMENT:
        if (present < sizeof nd) return GUARD_ND_MALFORMED;
        return nd.type == ICMP6_NEIGHBOR_SOLICITATION ? judge_solicitation(f, ip, &nd, options) : judge_advertisement(f, ip, &nd, options);
    default:
        return GUARD_ICMP6_CONTROL;
    }
}

// S10 and S11.
static __always_inline __u32 judge_icmp6(struct guard_port *port, __u32 type) {
    if (type == 138 || (type >= 144 && type <= 149) || (type >= 151 && type <= 153)) return GUARD_ICMP6_CONTROL;
    return type == ICMP6_MLD_QUERY && !(port->flags & GUARD_ROLE_MULTICAST_QUERIER) ? GUARD_MULTICAST_QUERY : 0;
}
