#define _GNU_SOURCE
#include "cinjection.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

int cinjection_program(void) {
    // r0 = XDP_PASS; exit
    struct bpf_insn pass[] = {
        {.code = BPF_ALU64 | BPF_K | BPF_MOV, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "bench_pass", "Dual BSD/GPL", pass, sizeof(pass) / sizeof(pass[0]), NULL);
}

int cinjection_paced_program(int32_t pace) {
    int counter = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_pace", sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
    if (counter < 0) return counter;
    struct bpf_insn paced[] = {
        // r1 = &counter
        {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = counter},
        {0},
        // r2 = r3 = *r1; r3 += 1; *r1 = r3
        {.code = BPF_LDX | BPF_DW | BPF_MEM, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1},
        {.code = BPF_ALU64 | BPF_X | BPF_MOV, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_2},
        {.code = BPF_ALU64 | BPF_K | BPF_ADD, .dst_reg = BPF_REG_3, .imm = 1},
        {.code = BPF_STX | BPF_DW | BPF_MEM, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_3},
        // return r2 & (pace - 1) ? XDP_DROP : XDP_PASS
        {.code = BPF_ALU64 | BPF_K | BPF_AND, .dst_reg = BPF_REG_2, .imm = pace - 1},
        {.code = BPF_ALU64 | BPF_K | BPF_MOV, .dst_reg = BPF_REG_0, .imm = XDP_DROP},
        {.code = BPF_JMP | BPF_K | BPF_JNE, .dst_reg = BPF_REG_2, .off = 1},
        {.code = BPF_ALU64 | BPF_K | BPF_MOV, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "bench_paced", "Dual BSD/GPL", paced, sizeof(paced) / sizeof(paced[0]), NULL);
    close(counter);
    return program;
}

int cinjection_attach(int program, uint32_t interface) {
    return bpf_xdp_attach((int)interface, program, XDP_FLAGS_DRV_MODE, NULL);
}

static uint64_t cpu_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int cinjection_run(
    int program, uint32_t interface, const void *frame, uint32_t length, uint32_t count, uint32_t batch, int cpu,
    uint64_t *nanoseconds) {
    struct xdp_md context = {.data_end = length, .ingress_ifindex = interface};
    LIBBPF_OPTS(bpf_test_run_opts, options,
        .data_in = frame, .data_size_in = length, .ctx_in = &context, .ctx_size_in = sizeof(context),
        .repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = batch);
    cpu_set_t former, wanted;
    CPU_ZERO(&wanted);
    CPU_SET(cpu, &wanted);
    if (sched_getaffinity(0, sizeof(former), &former) || sched_setaffinity(0, sizeof(wanted), &wanted)) return -errno;
    struct sched_param priority = {.sched_priority = 1}, none = {0};
    int is_first = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    uint64_t before = cpu_time();
    int failure = bpf_prog_test_run_opts(program, &options);
    *nanoseconds = cpu_time() - before;
    if (is_first) sched_setscheduler(0, SCHED_OTHER, &none);
    sched_setaffinity(0, sizeof(former), &former);
    return failure;
}

int cinjection_has_cpu(int cpu) {
    cpu_set_t allowed;
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(allowed), &allowed)) return 0;
    return CPU_ISSET(cpu, &allowed);
}
