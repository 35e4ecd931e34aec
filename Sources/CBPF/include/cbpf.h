/// libbpf for Swift, and what Swift can't say itself: variadic callbacks, macros, fields newer than the headers.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

enum {
    CBPF_TCX_INGRESS = 46,  // BPF_TCX_INGRESS, Linux 6.6 (include/uapi/linux/bpf.h), as below
    CBPF_TCX_EGRESS = 47,   // BPF_TCX_EGRESS
    CBPF_FIRST = 1 << 3,    // BPF_F_BEFORE: with nothing given to be before, first of all
};

/// From here on what libbpf says in the calling thread is kept, the kernel verifier's log included, and not printed.
void cbpf_log_begin(void);
/// The end of what libbpf has said since `cbpf_log_begin`; valid until the thread's next call of that.
const char *cbpf_log_tail(void);

// libbpf refuses options whose padding isn't zero, which Swift can't promise: those structs are filled in C.

/// bpf_object__open_mem. NULL with errno set where it fails.
struct bpf_object *cbpf_object_open(const void *bytes, size_t length, const char *name);
/// An array map of one mmapable entry: a descriptor, or a negative errno.
int cbpf_ledger_create(const char *name, uint32_t size);
/// A tcx link (CBPF_TCX_INGRESS or CBPF_TCX_EGRESS) before all others: a descriptor, or a negative errno.
int cbpf_link_first(int program, uint32_t interface, int type);

/// A place for a clsact filter.
struct cbpf_place {
    uint32_t interface;
    int egress;  // else ingress
    uint32_t handle;
    uint32_t priority;
};
/// Makes the clsact hooks if need be, and puts the program there, in place of the one that is. 0, or a negative errno.
int cbpf_filter_put(const struct cbpf_place *place, int program);
/// The id of the program there. 0, or a negative errno.
int cbpf_filter_find(const struct cbpf_place *place, uint32_t *program);
/// 0, or a negative errno.
int cbpf_filter_remove(const struct cbpf_place *place);

/// Where the constant `name` lies in the object's .rodata; -1 if it isn't there or isn't `size` bytes.
long cbpf_constant_offset(const struct bpf_object *object, const char *name, size_t size);

/// A link as the kernel describes it.
struct cbpf_link {
    uint32_t program;    // its program's id
    uint32_t interface;  // the ifindex a tcx link is attached to; 0 once the device is gone
};
/// 0, or a negative errno.
int cbpf_link_describe(int link, struct cbpf_link *description);

/// A program as the kernel describes it.
struct cbpf_program {
    uint32_t id;
    char name[16];
};
/// 0, or a negative errno.
int cbpf_program_describe(int program, struct cbpf_program *description);

/// A map as the kernel describes it.
struct cbpf_map {
    uint32_t id;
    uint32_t type;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t max_entries;
    uint32_t flags;
};
/// 0, or a negative errno.
int cbpf_map_describe(int map, struct cbpf_map *description);

/// One run of a program on a frame (BPF_PROG_TEST_RUN).
struct cbpf_run {
    const void *frame;
    uint32_t length;
    uint32_t mark;  // in: before; out: after
    uint32_t interface;
    uint32_t ingress_interface;
    uint32_t segment_size;  // gso_size
    int32_t verdict;        // out: what the program returned
};
/// 0, or a negative errno.
int cbpf_test_run(int program, struct cbpf_run *run);

/// Whether what is at the path lies in a bpffs.
int cbpf_is_in_bpffs(const char *path);

/// The network namespace's number, never used twice until the host restarts (SO_NETNS_COOKIE, Linux 5.14); 0 unknown.
uint64_t cbpf_network_cookie(void);

/// Stores a word that the kernel's programs read, after everything written before.
static inline void cbpf_store(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }

/// Sets bits of a word that the kernel writes too.
static inline void cbpf_set_bits(uint64_t *word, uint64_t bits) { __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST); }
