// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IPv6 from a guest: rules S1 to S4 and S12 (RFC 8200, 7112, 7113, 8415).
#pragma once
#include "nd.h"

#define PROTOCOL_ICMP6 58
#define DHCP6_CLIENT bpf_htons(546)
#define DHCP6_SERVER bpf_htons(547)
#define DHCP6_RELAY_FORWARD 12
#define DHCP6_RELAY_REPLY 13

#define HOP_BY_HOP 0
#define ROUTING 43
#define FRAGMENT 44
#define AUTHENTICATION 51
#define DESTINATION 60

enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct chain {
    __u32 at;      // offset of the upper-layer header
    __u32 reason;  // S3 or S4, where it can't be followed
    __u8 next;     // its protocol
    __u8 fragment;
    __u8 extended;  // there is an extension header
};

static __always_inline int is_extension(__u8 next) {
    return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == AUTHENTICATION || next == DESTINATION;
}

// S3 and S4: follows the chain from chain->at to the upper-layer header, nothing read at or beyond `end`. Gives 0 where it
// came to a header that isn't linear, and only those are to be read, as `walk` does.
static __always_inline int follow(struct __sk_buff *skb, struct chain *chain, __u32 end, int only_linear) {
    __u32 at = chain->at, bytes = 0;
    __u8 next = chain->next, fragment = FRAGMENT_NONE;
    chain->extended = 1;
    chain->reason = GUARD_IP6_HEADER_CHAIN;
    for (int i = 0; i < GUARD_MAX_EXTENSION_HEADERS; i++) {
        if (!is_extension(next) || fragment == FRAGMENT_LATER) break;
        if ((next == HOP_BY_HOP && i > 0) || (next == FRAGMENT && fragment)) return 1;
        union {
            __u64 eight;
            __u8 byte[8];
        } header;
        __u32 length = 8;
        int whole = at + 8 <= end;
        if (whole && only_linear) {
            __u64 *there = in_place(skb, at, 8);
            if (unlikely(!there)) return 0;
            header.eight = *there;
        } else if (whole) {
            whole = !bpf_skb_load_bytes(skb, at, &header, 8);
        }
        if (whole && next == AUTHENTICATION) length = (header.byte[1] + 2) * 4;
        else if (whole && next != FRAGMENT) length = (header.byte[1] + 1) * 8;
        if (!whole || at + length > end) {
            if (fragment) chain->reason = GUARD_IP6_FRAGMENT;
            return 1;
        }
        if (next == ROUTING && header.byte[2] == 0) return 1;
        bytes += length;
        if (bytes > GUARD_MAX_EXTENSION_BYTES) return 1;
        at += length;
        if (next == FRAGMENT) fragment = (header.byte[2] << 8 | header.byte[3]) & 0xfff8 ? FRAGMENT_LATER : FRAGMENT_FIRST;
        next = header.byte[0];
    }
    if (fragment != FRAGMENT_LATER && is_extension(next)) return 1;  // a ninth
    chain->at = at;
    chain->next = next;
    chain->fragment = fragment;
    chain->reason = 0;
    if (fragment == FRAGMENT_LATER ? is_extension(next) : fragment == FRAGMENT_FIRST && at + 8 > end) chain->reason = GUARD_IP6_FRAGMENT;
    return 1;
}

VERIFIED_ONCE int follow_linear(struct __sk_buff *skb, struct chain *chain, __u32 end) {
    return chain ? follow(skb, chain, end, 1) : 1;
}

VERIFIED_ONCE int follow_any(struct __sk_buff *skb, struct chain *chain, __u32 end) {
    return chain ? follow(skb, chain, end, 0) : 1;
}

// S2's exceptions for `::`.
static __always_inline int may_be_unspecified(struct ip6_header *ip, __u32 type, struct nd_options *options) {
    switch (type) {
    case ICMP6_NEIGHBOR_SOLICITATION:
        return 1;
    case ICMP6_ROUTER_SOLICITATION:
        return !options->sources;
    case ICMP6_MLD_REPORT:
    case ICMP6_MLD_DONE:
    case ICMP6_MLD2_REPORT:
        return (ip->destination.word[0] & 0xffff) == 0x02ff;
    default:
        return 0;
    }
}

// S12: whether what is sent to a DHCPv6 server is a relay's. A first fragment may end before the message's type: nobody
// could say then.
static __always_inline int is_dhcp6_relay(struct __sk_buff *skb, __u32 at, __u32 end) {
    __u8 type;
    if (at >= end || bpf_skb_load_bytes(skb, at, &type, 1)) return 1;
    return type == DHCP6_RELAY_FORWARD || type == DHCP6_RELAY_REPLY;
}

// As is_plain4: TCP, or UDP but for DHCPv6, right behind the fixed header, from one of the guest's first two addresses or
// prefixes.
static __always_inline int is_plain6(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    struct guard_port *port = f->port;
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ip6_header *ip = data + f->l3;
    struct udp_ports *ports = (void *)(ip + 1);
    if ((void *)(ports + 1) > end || !(port->flags & GUARD_IPV6) || !is_first6(port, &ip->source)) return 0;
    __u32 payload = bpf_ntohs(ip->payload);
    if (ip->version_class >> 4 != 6 || payload > skb->len - f->l3 - 40) return 0;
    if (ip->next_header == PROTOCOL_TCP) return 1;
    if (ip->next_header != PROTOCOL_UDP) return 0;
    return ports->source != DHCP6_SERVER && ports->destination != DHCP6_SERVER && ports->destination != DHCP6_CLIENT;
}

static __always_inline __u32 judge_ipv6(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    struct guard_port *port = f->port;
    struct ip6_header ip;
    {
        void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
        struct ip6_header *h = data + f->l3;
        if (unlikely((void *)(h + 1) > end)) return GUARD_TRUNCATED;
        ip = *h;
    }
    if (unlikely(!(port->flags & GUARD_IPV6))) return GUARD_NO_IPV6;
    __u32 present = skb->len - f->l3 - 40;
    __u32 payload = bpf_ntohs(ip.payload);
    if (unlikely(payload == 0 && skb->gso_size && present > 0xffff)) payload = present;
    if (unlikely(ip.version_class >> 4 != 6 || payload > present || (payload == 0 && ip.next_header == HOP_BY_HOP))) return GUARD_IP6_MALFORMED;

    __u32 source = require6(f, &ip.source, GUARD_IP6_SOURCE);
    int unspecified = unlikely(source) && is_unspecified6(&ip.source);
    int transit = unlikely(source) && !unspecified && (port->flags & GUARD_ROLE_TRANSIT) && !never_transit6(port->bridge, &ip.source);
    if (unlikely(source && !unspecified && !transit)) return source;

    struct chain chain = {.at = f->l3 + 40, .next = ip.next_header};
    __u32 end = f->l3 + 40 + payload;
    if (unlikely(is_extension(chain.next)) && !follow_linear(skb, &chain, end)) follow_any(skb, &chain, end);

    __u8 type = 0;  // reserved (RFC 4443, 2.1): stands for none
    struct nd_options options = {.owner = f->source};
    int readable = !chain.reason && chain.fragment != FRAGMENT_LATER;
    if (unlikely(readable && chain.next == PROTOCOL_ICMP6 && chain.at < end)) {
        if (!read_byte(skb, chain.at, &type)) type = 0;
        if (is_nd(type)) read_nd_options(skb, &options, chain.at + nd_fixed_bytes(type), end);
    }
    if (unlikely(unspecified) && !may_be_unspecified(&ip, type, &options)) return GUARD_IP6_SOURCE;
    if (unlikely(transit) && is_nd(type)) return GUARD_IP6_SOURCE;
    if (unlikely(chain.reason)) return chain.reason;
    if (unlikely(!readable)) return 0;

    if (unlikely(chain.next == PROTOCOL_ICMP6)) {
        if (!is_nd(type)) return judge_icmp6(port, type);
        return chain.extended ? GUARD_ND_MALFORMED : judge_nd(f, &ip, &options, type, chain.at, end);
    }
    if (chain.next == PROTOCOL_UDP && chain.at + 8 <= end) {
        struct udp_ports ports = {};
        if (!read_ports(skb, chain.at, &ports)) return 0;
        int as_relay = ports.destination == DHCP6_SERVER && is_dhcp6_relay(skb, chain.at + 8, end);
        if ((ports.source == DHCP6_SERVER || ports.destination == DHCP6_CLIENT || as_relay) && !(port->flags & GUARD_ROLE_DHCP6_SERVER))
            return GUARD_DHCP6_SERVER;
    }
    return 0;
}
