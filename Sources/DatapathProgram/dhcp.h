// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is told of DHCP (policy.md, section 11): whole messages between a guest that has its addresses from DHCP and its
// servers. Whoever keeps the leases reads them; nothing here decides about a frame.
#pragma once
#include "delivery.h"

// Whether a frame from a guest is its DHCP client's. It has passed all rules: a DHCPv4 one is whole and no fragment (F4). A
// DHCPv6 one may come from any port (RFC 8415 7.2); a relay's only by a guest with the role (S12), and whoever reads it sees.
static __always_inline int is_from_dhcp_client(struct frame *f) {
    void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
    struct udp_ports ports = {};
    if (f->type == TYPE_IPV4) {
        struct ip4_header *ip = data + f->l3;
        if ((void *)(ip + 1) > end || ip->protocol != PROTOCOL_UDP || ip->fragment & FRAGMENT_OFFSET) return 0;
        if (!read_ports(f->skb, f->l3 + (ip->version_length & 15) * 4, &ports)) return 0;
        return ports.source == DHCP4_CLIENT && ports.destination == DHCP4_SERVER;
    }
    struct ip6_header *ip = data + f->l3;
    if (f->type != TYPE_IPV6 || (void *)(ip + 1) > end || ip->next_header != PROTOCOL_UDP) return 0;
    return read_ports(f->skb, f->l3 + 40, &ports) && ports.destination == DHCP6_SERVER;
}

// Whether a DHCPv4 answer goes to everybody, or to the very address that it gives. What comes from beyond the link's
// routers goes to none that isn't the guest's already.
static __always_inline int is_at_hand4(struct frame *f, struct ip4_header *ip) {
    __u32 your;
    if (ip->destination == 0xffffffff) return 1;
    __u32 offset = f->l3 + (ip->version_length & 15) * 4 + 8 + __builtin_offsetof(struct bootp, your);
    return !bpf_skb_load_bytes(f->skb, offset, &your, sizeof your) && ip->destination == your;
}

// Whether a frame to a guest is a server's answer to it: of DHCPv4 one that names a MAC of the guest, of DHCPv6 one to a
// link-local address, which no router forwards.
static __always_inline int is_from_dhcp_server(struct frame *f) {
    void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
    if (f->type == TYPE_IPV4) {
        struct ip4_header *h = data + f->l3;
        if ((void *)(h + 1) > end || h->protocol != PROTOCOL_UDP) return 0;
        struct ip4_header ip = *h;
        return is_dhcp4_answer(f, &ip) && is_at_hand4(f, &ip);
    }
    struct udp_ports ports = {};
    struct ip6_header *ip = data + f->l3;
    if (f->type != TYPE_IPV6 || (void *)(ip + 1) > end || ip->next_header != PROTOCOL_UDP || !is_link_local6(&ip->destination)) return 0;
    return read_ports(f->skb, f->l3 + 40, &ports) && ports.source == DHCP6_SERVER && ports.destination == DHCP6_CLIENT;
}

static __noinline int send_dhcp(struct __sk_buff *skb, struct guard_port *port, __u32 direction, __u32 left_out) {
    if (!port) return 0;
    struct guard_dhcp_frame *frame = bpf_ringbuf_reserve(&dhcp, sizeof *frame, 0);
    if (!frame) return 0;
    frame->time = bpf_ktime_get_boot_ns();
    frame->port = skb->ifindex;
    frame->bridge = port->bridge;
    frame->origin = skb->ingress_ifindex;
    frame->length = skb->len;
    frame->captured = 0;
    frame->left_out = left_out;
    frame->direction = direction;
    frame->unused = 0;
    __u32 length = skb->len;
    if (length >= GUARD_DHCP_BYTES) {
        if (!bpf_skb_load_bytes(skb, 0, frame->bytes, GUARD_DHCP_BYTES)) frame->captured = GUARD_DHCP_BYTES;
    } else if (length > 0) {
        frame->captured = length;
        asm volatile("" : "+r"(length));  // as in send_event
        length = ((length - 1) & (GUARD_DHCP_BYTES - 1)) + 1;
        if (bpf_skb_load_bytes(skb, 0, frame->bytes, length)) frame->captured = 0;
    }
    bpf_ringbuf_submit(frame, 0);
    return 1;
}

// What the two below ask of, behind a tag that E3 and G3 let pass (with role vlan alone). Gives 0, or that it is too short.
static __always_inline int read_dhcp_frame(struct frame *f) {
    if (read_ethernet(f->skb, f)) return 1;
    if (is_tag_type(f->type)) {
        void *data = (void *)(long)f->skb->data, *end = (void *)(long)f->skb->data_end;
        if (data + 18 > end) return 1;
        f->type = *(__u16 *)(data + 16);
        f->l3 = 18;
    }
    return 0;
}

// Each a call of its own: a program's calls have 512 bytes of stack for the deepest way through them, in steps of 32 each
// before Linux 6.9.
VERIFIED_ONCE int is_dhcp_client(struct __sk_buff *skb, struct guard_port *port) {
    if (!port) return 0;
    struct frame f = {.skb = skb, .port = port};
    return !read_dhcp_frame(&f) && is_from_dhcp_client(&f);
}

VERIFIED_ONCE int is_dhcp_server(struct __sk_buff *skb, struct guard_port *port) {
    if (!port) return 0;
    struct frame f = {.skb = skb, .port = port};
    return !read_dhcp_frame(&f) && is_from_dhcp_server(&f);
}

VERIFIED_ONCE int tell(struct __sk_buff *skb, struct guard_port *port, __u32 direction) {
    if (!port) return 0;
    __u32 slot = port->slot;
    struct guard_state *state = bpf_map_lookup_elem(&states, &slot);
    if (!state) return 0;
    __u64 now = bpf_ktime_get_boot_ns();
    __u64 asked = state->dhcp_asked;
    if (direction == GUARD_TO_GUEST && (!asked || now > asked + GUARD_DHCP_PATIENCE_NS)) return 0;
    struct guard_dhcp_bucket *bucket = direction == GUARD_FROM_GUEST ? &state->dhcp_from_guest : &state->dhcp_to_guest;
    __u32 left_out = bucket->left_out;
    if (!conforms(&bucket->time, now, GUARD_DHCP_INTERVAL_NS, GUARD_DHCP_BURST_NS) || !send_dhcp(skb, port, direction, left_out)) {
        __sync_fetch_and_add(&bucket->left_out, 1);
        return 0;
    }
    if (left_out) __sync_fetch_and_add(&bucket->left_out, -left_out);
    if (direction == GUARD_FROM_GUEST) state->dhcp_asked = now;
    return 0;
}

// Tells of a frame that passed all rules, if it is DHCP's and the port has told of few lately. Of answers only to a guest
// that has asked a moment ago: others are anybody's to send.
static __always_inline void tell_dhcp(struct __sk_buff *skb, struct guard_port *port, __u32 direction) {
    if (direction == GUARD_FROM_GUEST ? is_dhcp_client(skb, port) : is_dhcp_server(skb, port)) tell(skb, port, direction);
}
