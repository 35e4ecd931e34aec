#include "cbpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

// Two halves, so that a log longer than one still ends with its end.
#define LOG_HALF 8192
static _Thread_local char log_text[2 * LOG_HALF + 1];
static _Thread_local size_t log_length;

static void log_append(const char *text, size_t length) {
    if (length > LOG_HALF) {
        text += length - LOG_HALF;
        length = LOG_HALF;
    }
    if (log_length + length > 2 * LOG_HALF) {
        memmove(log_text, log_text + log_length - LOG_HALF, LOG_HALF);
        log_length = LOG_HALF;
    }
    memcpy(log_text + log_length, text, length);
    log_length += length;
    log_text[log_length] = 0;
}

static int log_print(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length <= 0) return 0;
    // The verifier's log comes as one message of any length: its end is what counts.
    char *text = malloc((size_t)length + 1);
    if (!text) return 0;
    vsnprintf(text, (size_t)length + 1, format, arguments);
    log_append(text, (size_t)length);
    free(text);
    return length;
}

void cbpf_log_begin(void) {
    log_length = 0;
    log_text[0] = 0;
}

// What libbpf says of calls that may fail goes into the log from the start, and never to somebody's standard error.
__attribute__((constructor)) static void log_from_the_start(void) { libbpf_set_print(log_print); }

const char *cbpf_log_tail(void) { return log_text; }

struct bpf_object *cbpf_object_open(const void *bytes, size_t length, const char *name) {
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
    return bpf_object__open_mem(bytes, length, &options);
}

int cbpf_ledger_create(const char *name, uint32_t size) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, size, 1, &options);
}

int cbpf_link_first(int program, uint32_t interface, int type) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = CBPF_FIRST);
    return bpf_link_create(program, (int)interface, (enum bpf_attach_type)type, &options);
}

#define PLACE(place)                                                                              \
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)(place)->interface,                            \
        .attach_point = (place)->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);                        \
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = (place)->handle, .priority = (place)->priority)

int cbpf_filter_put(const struct cbpf_place *place, int program) {
    PLACE(place);
    int made = bpf_tc_hook_create(&hook);
    if (made && made != -EEXIST) return made;
    options.prog_fd = program;
    options.flags = BPF_TC_F_REPLACE;
    return bpf_tc_attach(&hook, &options);
}

int cbpf_filter_find(const struct cbpf_place *place, uint32_t *program) {
    PLACE(place);
    int failure = bpf_tc_query(&hook, &options);
    *program = options.prog_id;
    return failure;
}

int cbpf_filter_remove(const struct cbpf_place *place) {
    PLACE(place);
    return bpf_tc_detach(&hook, &options);
}

long cbpf_constant_offset(const struct bpf_object *object, const char *name, size_t size) {
    const struct btf *btf = bpf_object__btf(object);
    if (!btf) return -1;
    int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
    if (id < 0) return -1;
    const struct btf_type *section = btf__type_by_id(btf, (__u32)id);
    const struct btf_var_secinfo *variables = btf_var_secinfos(section);
    for (int i = 0; i < btf_vlen(section); i++) {
        const struct btf_type *variable = btf__type_by_id(btf, variables[i].type);
        const char *found = btf__name_by_offset(btf, variable->name_off);
        if (found && !strcmp(found, name)) return variables[i].size == size ? (long)variables[i].offset : -1;
    }
    return -1;
}

int cbpf_link_describe(int link, struct cbpf_link *description) {
    // struct bpf_link_info, its first fields and those of a tcx link; Debian 12's header ends before those.
    struct {
        __u32 type, id, prog_id, unused;
        __u32 ifindex, attach_type;
        __u64 room[16];
    } info = {0};
    __u32 length = sizeof(info);
    int failure = bpf_obj_get_info_by_fd(link, &info, &length);
    if (failure) return failure;
    description->program = info.prog_id;
    description->interface = info.ifindex;
    return 0;
}

int cbpf_program_describe(int program, struct cbpf_program *description) {
    struct bpf_prog_info info = {0};
    __u32 length = sizeof(info);
    int failure = bpf_obj_get_info_by_fd(program, &info, &length);
    if (failure) return failure;
    description->id = info.id;
    memcpy(description->name, info.name, sizeof(description->name));
    description->name[sizeof(description->name) - 1] = 0;
    return 0;
}

int cbpf_map_describe(int map, struct cbpf_map *description) {
    struct bpf_map_info info = {0};
    __u32 length = sizeof(info);
    int failure = bpf_obj_get_info_by_fd(map, &info, &length);
    if (failure) return failure;
    *description = (struct cbpf_map){info.id, info.type, info.key_size, info.value_size, info.max_entries, info.map_flags};
    return 0;
}

int cbpf_test_run(int program, struct cbpf_run *run) {
    struct __sk_buff context = {
        .mark = run->mark,
        .ifindex = run->interface,
        .ingress_ifindex = run->ingress_interface,
        .gso_size = run->segment_size,
    };
    struct __sk_buff after;
    LIBBPF_OPTS(bpf_test_run_opts, options,
        .data_in = run->frame, .data_size_in = run->length,
        .ctx_in = &context, .ctx_size_in = sizeof(context), .ctx_out = &after, .ctx_size_out = sizeof(after), .repeat = 1);
    int failure = bpf_prog_test_run_opts(program, &options);
    if (failure) return failure;
    run->mark = after.mark;
    run->verdict = (int32_t)options.retval;
    return 0;
}

int cbpf_is_in_bpffs(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && (uint32_t)status.f_type == BPF_FS_MAGIC;
}

uint64_t cbpf_network_cookie(void) {
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return 0;
    uint64_t cookie = 0;
    socklen_t length = sizeof(cookie);
    if (getsockopt(descriptor, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &length) < 0) cookie = 0;
    close(descriptor);
    return cookie;
}
