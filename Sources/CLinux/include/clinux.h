/// The kernel's own headers for Swift, and the few calls Swift can't make itself.
///
/// The order matters: the C library's headers come before the kernel's, which then leave out what the
/// C library has already defined (see linux/libc-compat.h). `_GNU_SOURCE` belongs in .c files only.
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <termios.h>

#include <stddef.h>
#include <stdint.h>

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

// Newer than Debian 12's headers (Linux 6.1). Values from include/uapi/linux/ of the kernel named.
enum {
    CLINUX_BRPORT_MAB = 40,  // IFLA_BRPORT_MAB, Linux 6.2
    CLINUX_BRPORT_NEIGH_VLAN_SUPPRESS = 43,        // IFLA_BRPORT_NEIGH_VLAN_SUPPRESS, Linux 6.4
    CLINUX_BPF_TCX_INGRESS = 46,                   // BPF_TCX_INGRESS, Linux 6.6
    CLINUX_BPF_TCX_EGRESS = 47,                    // BPF_TCX_EGRESS, Linux 6.6
};

// Macros Swift can't import, because they cast or call other macros.
enum {
    CLINUX_NTF_SELF = NTF_SELF,
    CLINUX_NTF_MASTER = NTF_MASTER,
    CLINUX_NTF_ROUTER = NTF_ROUTER,
    CLINUX_NTF_STICKY = NTF_STICKY,
    CLINUX_NTF_EXT_LEARNED = NTF_EXT_LEARNED,
    CLINUX_NLA_TYPE_MASK = NLA_F_NESTED | NLA_F_NET_BYTEORDER,
};
static const uint32_t CLINUX_TC_CLSACT_PARENT = TC_H_CLSACT;
static const uint32_t CLINUX_TC_CLSACT_HANDLE = TC_H_MAKE(TC_H_CLSACT, 0);
static const uint32_t CLINUX_TC_INGRESS_PARENT = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
static const uint32_t CLINUX_TC_EGRESS_PARENT = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

/// CLONE_NEWNET and CLONE_NEWNS, which <sched.h> shows only to _GNU_SOURCE.
extern const int clinux_new_network;
extern const int clinux_new_mounts;
/// POSIX_SPAWN_SETSID: a program to be started leads a session of its own.
extern const short clinux_spawn_session;

/// unshare(2) for the calling thread. 0, or -1 with errno set.
int clinux_unshare(int flags);

/// setns(2) for the calling thread. 0, or -1 with errno set.
int clinux_setns(int descriptor, int kind);

/// When the file was made, statx(2): seconds since 1970; -1 where there is none, or its file system doesn't keep that.
long long clinux_birth_time(const char *path);

/// The calling thread's id, gettid(2).
int clinux_thread_id(void);

/// Names the calling thread, for ps and top; at most 15 bytes of it are kept.
void clinux_name_thread(const char *name);

/// open(2) with O_CLOEXEC, which Swift sees only as a variadic function. A descriptor, or -1 with errno set.
int clinux_open(const char *path, int flags);

/// Opens /dev/net/tun and makes the tap interface `name` in the calling thread's namespace. The interface
/// lives as long as the descriptor returned. With `keeps_pieces` each part that writev(2) is given is a piece of
/// memory of its own in the kernel, too. -1 with errno set where that failed.
int clinux_open_tap(const char *name, int keeps_pieces);

/// accept4(2) without the peer's address: the new descriptor doesn't block and isn't inherited; -1 and errno.
int clinux_accept(int listener);

/// Keeps the calling thread on the CPU that it is running on; 0, or -1 and errno.
int clinux_pin_to_this_cpu(void);

/// A pipe that no program started meanwhile inherits: pipe2(2) with O_CLOEXEC. 0, or -1 with errno set.
int clinux_pipe(int ends[2]);

/// Lets a program to be started inherit no descriptor from `first` on. 0 or an errno.
int clinux_close_from(posix_spawn_file_actions_t *actions, int first);

/// A descriptor that becomes readable when the process ends, pidfd_open(2). -1 with errno set.
int clinux_process_descriptor(int process);

/// Takes a packet socket's next frame with its auxiliary data (PACKET_AUXDATA).
/// The frame's length on the wire, which may exceed `capacity`, or -1 with errno set. `has_auxiliary` is 0
/// if the kernel gave none.
long clinux_receive_frame(
    int descriptor, void *buffer, size_t capacity, struct sockaddr_ll *from, struct tpacket_auxdata *auxiliary,
    int *has_auxiliary);

/// A descriptor from which the signals of the set are read in place of being delivered: signalfd(2), which doesn't block
/// and isn't inherited. The caller blocks them with sigprocmask(2). -1 with errno set.
int clinux_signal_descriptor(const sigset_t *signals);

/// Takes the next of these signals: its number, 0 if none waits, or -1 with errno set.
int clinux_next_signal(int descriptor);

/// From now on a crash of this process (SIGSEGV, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE) first writes `length` bytes
/// (kept: at most 128) to `terminal` and gives it back these settings. `settings` NULL ends that.
void clinux_restore_terminal_on_crash(int terminal, const struct termios *settings, const void *bytes, size_t length);
