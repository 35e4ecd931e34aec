// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The contract between the kernel program (guard.bpf.c) and whoever loads it: map layouts, reason numbers, flags.
// Written once: C includes it, Swift imports it. A change to any struct or number here is a new GUARD_LAYOUT.
#pragma once
#include <linux/types.h>

#define GUARD_LAYOUT 3

// Bounds. What doesn't fit is an error for that one guest, never an open port.
#define GUARD_MAX_PORTS 16384         // records and counter slots a host can ask for: sixteen full bridges
#define GUARD_INDEX_ENTRIES 65536     // interface indexes found without hashing
#define GUARD_FILTER_WORDS 16384      // of 64 bits: 1% full with 10,000 addresses
#define GUARD_MAX_OWNERS 65536        // addresses and MACs known by owner, of each family
#define GUARD_MAX_ADDRESSES 65536     // addresses beyond those a record holds itself, of each family
#define GUARD_MAX_PREFIXES 16384      // prefixes beyond those a record holds itself, of each family
#define GUARD_MAX_UPLINK_NEIGHBOURS 4096
#define GUARD_PORT_MACS 8             // 4 of the guest's own, 4 of virtual routers
#define GUARD_PORT_NETS4 4
#define GUARD_PORT_NETS6 6
#define GUARD_PORT_ETHERTYPES 4
#define GUARD_MAX_CLAIMS 4            // link-local addresses a guest may claim
#define GUARD_MAX_ROUTERS 16          // advertising routers held by a bridge
#define GUARD_MAX_ND_OPTIONS 32
#define GUARD_MAX_EXTENSION_HEADERS 8
#define GUARD_MAX_EXTENSION_BYTES 512
#define GUARD_EVENT_BYTES 128
#define GUARD_EVENT_RING_BYTES (1 << 20)
#define GUARD_EVENT_INTERVAL_NS 100000000ULL  // 10 events a second of one port, direction and reason
#define GUARD_EVENT_BURST_NS 1000000000ULL    // 10 at once
#define GUARD_DHCP_BYTES 1024
#define GUARD_DHCP_RING_BYTES (1 << 20)
#define GUARD_DHCP_INTERVAL_NS 50000000ULL     // 20 DHCP messages a second of one port and direction
#define GUARD_DHCP_BURST_NS 1600000000ULL      // 32 at once: a boot's IPv4 and IPv6 take a dozen
#define GUARD_DHCP_PATIENCE_NS 60000000000ULL  // how long after a client's message answers are told of
#define GUARD_PORT_LEASES4 4
#define GUARD_PORT_LEASES6 8
#define GUARD_MAX_LEASES (GUARD_MAX_PORTS * (GUARD_PORT_LEASES4 + GUARD_PORT_LEASES6))  // no port can take another's room
#define GUARD_DEFAULT_STAMP (1u << 30)

// Documentation/policy.md, one number a reason; the numbers are stable.
enum guard_reason {
    GUARD_PASS = 0,
    GUARD_NO_BINDING = 1,
    GUARD_UNJUDGED = 2,
    GUARD_MAC_SOURCE = 3,
    GUARD_L2_CONTROL = 4,
    GUARD_VLAN_TAG = 5,
    GUARD_ETHERTYPE = 6,
    GUARD_TRUNCATED = 7,
    GUARD_NO_IPV4 = 8,
    GUARD_NO_IPV6 = 9,
    GUARD_ARP_MALFORMED = 10,
    GUARD_ARP_OPCODE = 11,
    GUARD_ARP_SENDER_MAC = 12,
    GUARD_ARP_SENDER_IP = 13,
    GUARD_ARP_PROBE_TARGET = 14,
    GUARD_IP4_MALFORMED = 15,
    GUARD_IP4_SOURCE = 16,
    GUARD_IP4_SOURCE_ROUTE = 17,
    GUARD_DHCP4_CLIENT = 18,
    GUARD_DHCP4_SERVER = 19,
    GUARD_IP4_TINY_FRAGMENT = 20,
    GUARD_ICMP4_ROUTER = 21,
    GUARD_MULTICAST_QUERY = 22,
    GUARD_IP6_MALFORMED = 23,
    GUARD_IP6_SOURCE = 24,
    GUARD_IP6_HEADER_CHAIN = 25,
    GUARD_IP6_FRAGMENT = 26,
    GUARD_ND_MALFORMED = 27,
    GUARD_RA_GUARD = 28,
    GUARD_ND_REDIRECT = 29,
    GUARD_ND_SOLICITATION = 30,
    GUARD_ND_ADVERTISEMENT = 31,
    GUARD_ND_ROUTER_SOLICITATION = 32,
    GUARD_ICMP6_CONTROL = 33,
    GUARD_DHCP6_SERVER = 34,
    GUARD_LL_CLAIMED = 35,
    GUARD_UPLINK_GUEST_MAC = 36,
    GUARD_UPLINK_GUEST_ADDRESS = 37,
    GUARD_NOT_FOR_GUEST_MAC = 38,
    GUARD_NOT_FOR_GUEST_IP4 = 39,
    GUARD_NOT_FOR_GUEST_IP6 = 40,
    GUARD_QUIET = 41,
    GUARD_LIMIT_BROADCAST = 42,
    GUARD_LIMIT_NEIGHBOR = 43,
    GUARD_REASONS = 48,  // room in the tallies, not a reason
};

// Which of the six programs judged.
enum guard_direction {
    GUARD_FROM_GUEST = 0,
    GUARD_TO_GUEST = 1,
    GUARD_FROM_UPLINK = 2,
    GUARD_TO_UPLINK = 3,
    GUARD_TO_HOST = 4,
    GUARD_FROM_HOST = 5,
};

enum guard_kind {
    GUARD_KIND_GUEST = 1,
    GUARD_KIND_UPLINK = 2,
    GUARD_KIND_BRIDGE = 3,
};

// guard_port.flags
#define GUARD_BOUND (1u << 0)            // has a binding; without it everything is no-binding
#define GUARD_AUDIT (1u << 1)            // count and report, let pass (uplink: U1, U2)
#define GUARD_IPV4 (1u << 2)             // E6: the family is allowed
#define GUARD_IPV6 (1u << 3)
#define GUARD_DHCP (1u << 4)             // E6: a DHCPv4 client without an address; DHCP messages are told of
#define GUARD_CLAIM (1u << 5)            // link-local: claim
#define GUARD_QUIET_ON (1u << 6)
#define GUARD_MORE_ADDRESSES4 (1u << 7)  // look in addresses4 too (also for broadcast addresses)
#define GUARD_MORE_ADDRESSES6 (1u << 8)
#define GUARD_MORE_PREFIXES4 (1u << 9)
#define GUARD_MORE_PREFIXES6 (1u << 10)
#define GUARD_MIGRATING (1u << 11)       // what the guest claims is marked so
#define GUARD_ROLE_ROUTER (1u << 16)
#define GUARD_ROLE_DHCP4_SERVER (1u << 17)
#define GUARD_ROLE_DHCP6_SERVER (1u << 18)
#define GUARD_ROLE_MULTICAST_QUERIER (1u << 19)
#define GUARD_ROLE_VLAN (1u << 20)
#define GUARD_ROLE_TRANSIT (1u << 21)

struct guard_net4 {
    __u32 address;  // network byte order, masked
    __u32 mask;     // network byte order; all ones for a single address
};

struct guard_net6 {
    __u64 address[2];  // the 16 bytes as they travel, masked
    __u64 mask[2];
};

// A port's record is found without hashing, which would cost as much as all the rest of a program:
// map `port_index`, array (mmapable): ifindex mod GUARD_INDEX_ENTRIES -> entry, 0 for none;
// map `port_index_more`, hash: ifindex -> entry, for a port whose place in the array another one holds.
// An entry says whose it is, what kind of port that is, and which of `records` is in force: the programs that need no more
// never touch a record.
#define GUARD_ENTRY_NUMBER_BITS 15
#define GUARD_ENTRY_KIND_BITS 2
static inline __u32 guard_entry(__u32 ifindex, __u32 kind, __u32 number) {
    return ifindex / GUARD_INDEX_ENTRIES << (GUARD_ENTRY_NUMBER_BITS + GUARD_ENTRY_KIND_BITS) | kind << GUARD_ENTRY_NUMBER_BITS | number;
}
static inline __u32 guard_entry_number(__u32 entry) { return entry & ((1u << GUARD_ENTRY_NUMBER_BITS) - 1); }
static inline __u32 guard_entry_kind(__u32 entry) { return entry >> GUARD_ENTRY_NUMBER_BITS & ((1u << GUARD_ENTRY_KIND_BITS) - 1); }
static inline int guard_entry_is_of(__u32 entry, __u32 ifindex) {
    return entry && entry >> (GUARD_ENTRY_NUMBER_BITS + GUARD_ENTRY_KIND_BITS) == ifindex / GUARD_INDEX_ENTRIES;
}

// Map `records`, array (mmapable, which has each begin where a cache line does): struct guard_port. A slot has two, 2 * slot
// and 2 * slot + 1. A new binding is written into the one that is not in use, then the index is set to it by one 32-bit
// store: no packet sees half a binding. What nearly every frame needs is in the first 64 bytes, and the first two networks
// of IPv6 are in the next.
struct guard_port {
    __u32 binding;  // the binding's own number, never used twice on a host; key into the maps below; 0: none
    __u32 ifindex;  // of the port itself
    __u32 bridge;   // ifindex of the bridge
    __u32 slot;     // of tallies, passed, states; 0 is for ports without a record
    __u32 flags;
    __u8 kind;  // enum guard_kind
    __u8 macs_count;
    __u8 nets4_count;
    __u8 nets6_count;  // EUI-64 and listed link-local addresses among them
    __u64 mac;         // the first: six bytes as they travel, then two zero bytes
    struct guard_net4 nets4[GUARD_PORT_NETS4];
    struct guard_net6 nets6[GUARD_PORT_NETS6];
    __u64 more_macs[GUARD_PORT_MACS - 1];
    __u16 ethertypes[GUARD_PORT_ETHERTYPES];  // network byte order
    __u32 broadcasts4[2];                      // network byte order: may be a destination, never a source
    __u8 ethertypes_count;
    __u8 broadcasts4_count;
    __u8 unused[22];
    // Limits as in a virtual scheduling bucket: nanoseconds a frame, 0 no limit; nanoseconds of burst.
    __u64 broadcast_interval;
    __u64 broadcast_burst;
    __u64 neighbor_interval;
    __u64 neighbor_burst;
};

// Maps of what a record has no room for. addresses4/6, hash: key -> __u8 enum guard_use; prefixes4/6, trie: key -> __u8.
enum guard_use {
    GUARD_USE_OWN = 1,
    GUARD_USE_BROADCAST = 2,  // IPv4 only
};
struct guard_address4 {
    __u32 scope;    // addresses4: the binding's number; owners4: the bridge's ifindex
    __u32 address;  // network byte order
};
struct guard_address6 {
    __u32 scope;
    __u8 address[16];
};
struct guard_prefix4 {
    __u32 length;  // bits, with 32 for the scope
    __u32 scope;
    __u32 address;
};
struct guard_prefix6 {
    __u32 length;
    __u32 scope;
    __u8 address[16];
};
struct guard_vlan {  // map `vlans`, hash -> __u8
    __u32 binding;
    __u32 vid;
};

// Whose an address or MAC is on a bridge. owners4, owners6 (link-local claims and advertising routers too), owner_macs:
// hash; owner_prefixes4/6: trie.
enum guard_owner_kind {
    GUARD_OWNER_GUEST = 1,     // by binding
    GUARD_OWNER_CLAIM = 2,     // a link-local address claimed by a guest
    GUARD_OWNER_RESERVED = 3,  // gateways', the host's, configured
    GUARD_OWNER_ROUTER = 4,    // link-local address of a router that advertises on the uplink
};
#define GUARD_OWNER_MIGRATING 1
struct guard_owner {
    __u32 port;  // ifindex; 0 for a stopped guest's, a reserved one, a router's
    __u8 kind;
    __u8 flags;
    __u8 origin;  // who wrote it (enum of the loader's); the kernel program leaves it alone
    __u8 unused;
};
struct guard_owner_mac {
    __u32 bridge;
    __u8 mac[6];
    __u8 unused[2];
};

// Map `owner_filter`, array (mmapable) of 64-bit words: the bits of every guest's MAC, IPv4 and IPv6 address. A bit that is
// not set means that no guest of the bridge has it, and saves looking; one too many costs a look-up. Set a bit before
// the owner is entered.
static inline __u32 guard_filter_bit(__u32 bridge, __u64 high, __u64 low) {
    __u64 h = (low ^ high * 0x9e3779b97f4a7c15ULL) + bridge * 0xc2b2ae3d27d4eb4fULL;
    h ^= h >> 32;
    return (__u32)(h * 0x9e3779b97f4a7c15ULL >> 44);  // of GUARD_FILTER_WORDS * 64
}
static inline __u32 guard_filter_bit_mac(__u32 bridge, __u64 mac) { return guard_filter_bit(bridge, 48, mac); }  // as in guard_port.mac
static inline __u32 guard_filter_bit4(__u32 bridge, __u32 address) { return guard_filter_bit(bridge, 4, address); }  // network byte order

// Map `tallies`, array, index (slot * 2 + side) * GUARD_REASONS + reason; side 0 into the bridge, 1 out of it.
struct guard_tally {
    __u64 packets;  // dropped
    __u64 bytes;
    __u64 audited_packets;  // let pass by audit mode
    __u64 audited_bytes;
    __u64 event_time;      // virtual scheduling time of the event sampler
    __u64 events_left_out;  // since the last event sent
};

// Map `passed`, per-CPU array, index slot * 2 + side.
struct guard_passed {
    __u64 packets;
    __u64 bytes;
};

// Map `states`, array by slot: what a replaced binding must not reset.
struct guard_state {
    __u64 broadcast_time;  // virtual scheduling times of section 8's buckets
    __u64 neighbor_time;
    __u32 claims;   // link-local addresses claimed
    __u32 routers;  // a bridge's slot: advertising routers held
    __u64 dhcp_asked;  // when a client's DHCP message was last told of, CLOCK_BOOTTIME; 0: never
    // Of DHCP messages told of, one for each direction: nobody who answers can use up what a client needs.
    struct guard_dhcp_bucket {
        __u64 time;      // virtual scheduling time
        __u32 left_out;  // not told of since the last
        __u32 unused;
    } dhcp_from_guest, dhcp_to_guest;
};

// Map `events`, ring buffer.
#define GUARD_EVENT_AUDITED 1
#define GUARD_EVENT_TAGGED 2
struct guard_event {
    __u64 time;  // CLOCK_MONOTONIC, nanoseconds
    __u32 port;
    __u32 bridge;
    __u32 length;    // of the frame
    __u32 captured;  // bytes below that are the frame's
    __u32 left_out;  // events of this port, direction and reason not sent since the last
    __u16 vlan_tci;  // host byte order, with GUARD_EVENT_TAGGED
    __u16 vlan_protocol;
    __u16 reason;
    __u8 direction;
    __u8 flags;
    __u8 bytes[GUARD_EVENT_BYTES];
};

// Map `dhcp`, ring buffer: DHCP messages that passed all rules, of ports with GUARD_DHCP (policy.md, section 11).
struct guard_dhcp_frame {
    __u64 time;  // CLOCK_BOOTTIME, nanoseconds: as leases count
    __u32 port;
    __u32 bridge;
    __u32 origin;     // to a guest: the interface that the frame came in by; 0: made on this host
    __u32 length;     // of the frame
    __u32 captured;   // bytes below that are the frame's
    __u32 left_out;   // messages of this port that were not sent since the last
    __u32 direction;  // GUARD_FROM_GUEST or GUARD_TO_GUEST
    __u32 unused;
    __u8 bytes[GUARD_DHCP_BYTES];
};

// Map `leases`, hash: what DHCP has given to guests. The kernel program never reads it: what is leased is in records and
// owners as well. Entered before those, and removed after them, so that nothing leased is ever taken for listed. A move to
// maps of another layout takes leases along if key and value have the same sizes: whoever changes one changes its size.
struct guard_lease_key {
    __u32 bridge;
    __u8 family;  // 4 or 6
    __u8 length;  // of the prefix; 32 or 128 for an address
    __u8 unused[2];
    __u8 address[16];  // as it travels; IPv4 in the first four
};
struct guard_lease {
    __u64 mac;      // as in guard_port.mac
    __u64 expires;  // CLOCK_BOOTTIME, nanoseconds; all ones: never
    __u32 port;     // ifindex
    __u8 server_family;  // 4 or 6
    __u8 unused[3];
    __u8 server[16];  // who gave it, as it travels; IPv4 in the first four
};

// Map `labels`, hash: ifindex -> struct guard_label: names for people, and what a record doesn't keep of its binding,
// so that status and plan need no agent. The kernel program never reads it.
#define GUARD_GUEST_NAME_BYTES 128
#define GUARD_LABEL_MIGRATING 1
struct guard_virtual_router {
    __u64 mac;      // as in guard_port.mac
    __u8 family;    // 4 or 6; 0 unused
    __u8 unused[7];
    __u8 address[16];  // as it travels; IPv4 in the first four
};
struct guard_label {
    char port[16];
    char bridge[16];
    char guest[GUARD_GUEST_NAME_BYTES];  // UTF-8, zero-padded
    __u32 broadcast_rate;  // limits as configured, frames a second
    __u32 broadcast_burst;
    __u32 neighbor_rate;
    __u32 neighbor_burst;
    __u8 origin;
    __u8 owned_macs;  // how many of guard_port's MACs are the guest's own; the rest are virtual routers'
    __u8 flags;
    __u8 listed_eui64;  // bit i: the EUI-64 link-local address of macs[i] is listed by hand too
    __u8 unused[4];
    struct guard_virtual_router virtual_routers[4];
};
