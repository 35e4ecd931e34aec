/// Frames injected as if a port had received them (BPF_PROG_RUN, XDP live frames), and the CPU time that all of their
/// path takes. All functions act on the network namespace of the calling thread.
#pragma once
#include <stdint.h>

/// Loads an XDP program that passes every frame on: a descriptor, or a negative errno.
int cinjection_program(void);

/// As `cinjection_program`, for a program that passes one in `pace` frames, a power of two, and drops the others before
/// anybody has seen them.
int cinjection_paced_program(int32_t pace);

/// Attaches the program in native mode: only then a veth has the receive queue that live frames need. 0, or a negative
/// errno.
int cinjection_attach(int program, uint32_t interface);

/// Injects the frame `count` times on the interface, which the program must be attached to, `batch` at a time: what they lead
/// to is delivered after each batch.
///
/// The thread is moved to `cpu` meanwhile, with a real-time priority where that is allowed: what it has to do in softirqs
/// isn't left to ksoftirqd then, whose time nobody would count, and other load doesn't interrupt it.
///
/// `nanoseconds`: the thread's CPU time, from the bridge's receiving side to the far end of the port that a frame leaves
/// by. 0, or a negative errno.
int cinjection_run(
    int program, uint32_t interface, const void *frame, uint32_t length, uint32_t count, uint32_t batch, int cpu, uint64_t *nanoseconds);

/// Whether the calling thread may run on the CPU.
int cinjection_has_cpu(int cpu);
