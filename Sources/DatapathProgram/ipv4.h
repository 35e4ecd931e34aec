// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IPv4 from a guest: rules F1 to F8 (RFC 791, 1858, 2131, 3128).
#pragma once
#include "own.h"

#define PROTOCOL_ICMP 1
#define PROTOCOL_IGMP 2
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define MORE_FRAGMENTS bpf_htons(0x2000)
#define FRAGMENT_OFFSET bpf_htons(0x1fff)
#define DHCP4_SERVER bpf_htons(67)
#define DHCP4_CLIENT bpf_htons(68)

struct bootp {  // RFC 951, as far as it is looked at
    __u8 op, hardware_type, hardware_length, hops;
    __u32 xid;
    __u16 seconds, flags;
    __u32 client, your, server, relay;
    __u8 mac[6];
} __attribute__((packed));
#define BOOTP_BYTES 236

// F3: options walk to the header's end and hold no source route. `length` is of the options, 4 to 40.
VERIFIED_ONCE int judge_options4(struct __sk_buff *skb, __u32 offset, __u32 length) {
    __u8 options[64] = {};  // 40 at most, and room for what the verifier of Linux 6.1 believes possible
    if (length < 4 || length > 40) return GUARD_IP4_SOURCE_ROUTE;
    if (bpf_skb_load_bytes(skb, offset, options, length)) return GUARD_IP4_SOURCE_ROUTE;
    __u32 at = 0;
    for (int i = 0; i < 40; i++) {
        if (at >= length || at >= 40) return 0;
        __u8 kind = options[at];
        if (kind == 0) return 0;  // end of options
        if (kind == 131 || kind == 137) return GUARD_IP4_SOURCE_ROUTE;
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= length) return GUARD_IP4_SOURCE_ROUTE;
        __u8 size = options[at + 1];
        if (size < 2 || at + size > length) return GUARD_IP4_SOURCE_ROUTE;
        at += size;
    }
    return 0;
}

// F4. `offset` is that of the UDP header, `payload` what IPv4 says is there.
static __noinline int judge_dhcp4_client(struct frame *f, struct ip4_header *ip, __u32 offset, __u32 payload) {
    if (!f || !ip) return GUARD_DHCP4_CLIENT;
    if (ip->fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) return GUARD_DHCP4_CLIENT;
    if (ip->source == 0 && (ip->destination != 0xffffffff || f->destination != BROADCAST_MAC)) return GUARD_DHCP4_CLIENT;
    struct bootp bootp;
    if (payload < 8 + BOOTP_BYTES || bpf_skb_load_bytes(f->skb, offset + 8, &bootp, sizeof bootp)) return GUARD_DHCP4_CLIENT;
    if (bootp.op != 1 || bootp.hardware_type != 1 || bootp.hardware_length != 6 || bootp.relay != 0) return GUARD_DHCP4_CLIENT;
    if (!has_mac(f->port, mac_at(bootp.mac))) return GUARD_DHCP4_CLIENT;
    if (bootp.client != 0 && !own4(f->port, bootp.client)) return GUARD_DHCP4_CLIENT;
    return 0;
}

static __noinline int judge_icmp4(struct frame *f, __u32 protocol, __u32 offset) {
    __u8 type;
    if (!f || !read_byte(f->skb, offset, &type)) return 0;
    if (protocol == PROTOCOL_ICMP) return !(f->port->flags & GUARD_ROLE_ROUTER) && (type == 5 || type == 9 || type == 18) ? GUARD_ICMP4_ROUTER : 0;
    return !(f->port->flags & GUARD_ROLE_MULTICAST_QUERIER) && (type == 0x11 || type == 0x30 || type == 0x32) ? GUARD_MULTICAST_QUERY : 0;
}

// Whether it is what nearly all frames are: TCP, or UDP but for DHCP, whole, without options, from the guest's first address
// or prefix. No rule is broken by that; judge_ipv4 would say the same, by reading more.
static __always_inline int is_plain4(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    struct guard_port *port = f->port;
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ip4_header *ip = data + f->l3;
    struct udp_ports *ports = (void *)(ip + 1);
    if ((void *)(ports + 1) > end) return 0;
    if (port->nets4_count == 0 || !is_in4(&port->nets4[0], ip->source)) return 0;
    __u32 total = bpf_ntohs(ip->total);
    if (ip->version_length != 0x45 || total > skb->len - f->l3 || ip->fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) return 0;
    if (ip->protocol == PROTOCOL_TCP) return total >= 20;
    if (ip->protocol != PROTOCOL_UDP || total < 28) return 0;
    return ports->source != DHCP4_SERVER && ports->destination != DHCP4_SERVER && ports->destination != DHCP4_CLIENT;
}

static __always_inline __u32 judge_ipv4(struct frame *f) {
    struct __sk_buff *skb = f->skb;
    struct guard_port *port = f->port;
    struct ip4_header ip;
    {
        void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
        struct ip4_header *h = data + f->l3;
        if (unlikely((void *)(h + 1) > end)) return GUARD_TRUNCATED;
        ip = *h;
    }
    __u32 header = (ip.version_length & 15) * 4;
    __u32 present = skb->len - f->l3;
    __u32 total = bpf_ntohs(ip.total);
    int first = !(ip.fragment & FRAGMENT_OFFSET);

    struct udp_ports ports = {};
    int has_ports = ip.protocol == PROTOCOL_UDP && first && header >= 20 && present >= header + 8 && read_ports(skb, f->l3 + header, &ports);
    int dhcp_client = has_ports && ports.source == DHCP4_CLIENT && ports.destination == DHCP4_SERVER;

    if (unlikely(!(port->flags & GUARD_IPV4)) && !(dhcp_client && (port->flags & GUARD_DHCP))) return GUARD_NO_IPV4;
    if (unlikely(total == 0 && skb->gso_size && present > 0xffff)) total = present;
    if (unlikely(ip.version_length >> 4 != 4 || header < 20 || header > total || total > present)) return GUARD_IP4_MALFORMED;
    __u32 payload = total - header;

    if (unlikely(!own4(port, ip.source))) {
        int unnumbered = ip.source == 0 && (dhcp_client || (ip.protocol == PROTOCOL_IGMP && (ip.destination & 0xf0) == 0xe0));
        int transit = (port->flags & GUARD_ROLE_TRANSIT) && !dhcp_client && !never_transit4(port->bridge, ip.source);
        if (!unnumbered && !transit) return GUARD_IP4_SOURCE;
    }
    if (unlikely(header > 20) && judge_options4(skb, f->l3 + 20, header - 20)) return GUARD_IP4_SOURCE_ROUTE;
    if (unlikely(dhcp_client) && judge_dhcp4_client(f, &ip, f->l3 + header, payload)) return GUARD_DHCP4_CLIENT;
    int as_relay = ports.destination == DHCP4_SERVER && ports.source != DHCP4_CLIENT;
    if (has_ports && payload >= 8 && (ports.source == DHCP4_SERVER || ports.destination == DHCP4_CLIENT || as_relay) &&
        !(port->flags & GUARD_ROLE_DHCP4_SERVER))
        return GUARD_DHCP4_SERVER;
    if (first ? (ip.fragment & MORE_FRAGMENTS) && payload < 8 : (ip.fragment & FRAGMENT_OFFSET) == bpf_htons(1)) return GUARD_IP4_TINY_FRAGMENT;
    if (first && payload >= 1 && unlikely(ip.protocol == PROTOCOL_ICMP || ip.protocol == PROTOCOL_IGMP)) return judge_icmp4(f, ip.protocol, f->l3 + header);
    return 0;
}
