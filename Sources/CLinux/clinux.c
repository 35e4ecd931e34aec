#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const int clinux_new_network = CLONE_NEWNET;
const int clinux_new_mounts = CLONE_NEWNS;
const short clinux_spawn_session = POSIX_SPAWN_SETSID;

int clinux_unshare(int flags) { return unshare(flags); }

int clinux_setns(int descriptor, int kind) { return setns(descriptor, kind); }

long long clinux_birth_time(const char *path) {
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return -1;
    return status.stx_btime.tv_sec;
}

int clinux_thread_id(void) { return (int)syscall(SYS_gettid); }

void clinux_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name); }

int clinux_open(const char *path, int flags) { return open(path, flags | O_CLOEXEC); }

int clinux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int clinux_pin_to_this_cpu(void) {
    cpu_set_t only;
    int cpu = sched_getcpu();
    if (cpu < 0) return -1;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    return sched_setaffinity(0, sizeof(only), &only);
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int clinux_process_descriptor(int process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int clinux_open_tap(const char *name, int keeps_pieces) {
    struct ifreq request = {0};
    if (strlen(name) >= sizeof(request.ifr_name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(request.ifr_name, name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | (keeps_pieces ? IFF_NAPI | IFF_NAPI_FRAGS : 0);
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return -1;
    if (ioctl(descriptor, TUNSETIFF, &request) < 0) {
        int reason = errno;
        close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

long clinux_receive_frame(
    int descriptor, void *buffer, size_t capacity, struct sockaddr_ll *from, struct tpacket_auxdata *auxiliary,
    int *has_auxiliary) {
    char control[CMSG_SPACE(sizeof(*auxiliary))] __attribute__((aligned(__alignof__(struct cmsghdr))));
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_name = from,
        .msg_namelen = sizeof(*from),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    *has_auxiliary = 0;
    long length = recvmsg(descriptor, &message, MSG_TRUNC | MSG_DONTWAIT);
    if (length < 0) return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA && c->cmsg_len >= CMSG_LEN(sizeof(*auxiliary))) {
            memcpy(auxiliary, CMSG_DATA(c), sizeof(*auxiliary));
            *has_auxiliary = 1;
        }
    }
    return length;
}

int clinux_signal_descriptor(const sigset_t *signals) { return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK); }

int clinux_next_signal(int descriptor) {
    struct signalfd_siginfo information;
    ssize_t length;
    do length = read(descriptor, &information, sizeof(information));
    while (length < 0 && errno == EINTR);
    if (length == (ssize_t)sizeof(information)) return (int)information.ssi_signo;
    return length < 0 && errno != EAGAIN ? -1 : 0;
}

// A handler may look at nothing that a lock guards, so all it needs lies here beforehand.
static const int crashes[] = {SIGSEGV, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE};
enum { CRASHES = sizeof(crashes) / sizeof(crashes[0]) };
static struct sigaction handlers_before[CRASHES];
static int crash_terminal = -1;
static struct termios crash_settings;
static char crash_bytes[128];
static size_t crash_length;

static void restore_and_crash(int signal) {
    if (crash_terminal >= 0) {
        ssize_t written = write(crash_terminal, crash_bytes, crash_length);
        (void)written;
        tcsetattr(crash_terminal, TCSANOW, &crash_settings);
        crash_terminal = -1;
    }
    for (int i = 0; i < CRASHES; i++) {
        if (crashes[i] == signal) sigaction(signal, &handlers_before[i], NULL);
    }
    raise(signal);
}

void clinux_restore_terminal_on_crash(int terminal, const struct termios *settings, const void *bytes, size_t length) {
    static int is_handling;
    crash_terminal = -1;
    if (settings == NULL) return;
    crash_settings = *settings;
    crash_length = length < sizeof(crash_bytes) ? length : sizeof(crash_bytes);
    memcpy(crash_bytes, bytes, crash_length);
    crash_terminal = terminal;
    if (is_handling) return;
    is_handling = 1;
    struct sigaction action = {.sa_handler = restore_and_crash};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], &action, &handlers_before[i]);
}
