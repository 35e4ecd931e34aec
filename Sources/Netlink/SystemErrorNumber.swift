import CLinux
import Glibc

/// An errno that explains itself: its meaning, its name, and what to do about it where that can be said.
///
/// "no such device (ENODEV): the interface is gone or in another network namespace; 'ip link' lists those here"
public struct SystemErrorNumber: Hashable, Sendable, CustomStringConvertible {
    public let number: Int32

    public init(_ number: Int32) {
        self.number = number
    }

    /// The calling thread's errno, to be taken right after the call that failed.
    public static var current: SystemErrorNumber { SystemErrorNumber(errno) }

    public var description: String {
        guard let known = Self.known[number] else { return "\(Self.systemText(number)) (errno \(number))" }
        let advice = known.advice.map { ": \($0)" } ?? ""
        return "\(Self.systemText(number)) (\(known.name))\(advice)"
    }

    private static func systemText(_ number: Int32) -> String {
        guard let text = strerror(number) else { return "unknown error" }
        let sentence = String(cString: text)
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }

    /// What these numbers mean when interfaces, filters and namespaces are dealt with.
    private static let known: [Int32: (name: String, advice: String?)] = [
        EPERM: ("EPERM", "run as root, or with CAP_NET_ADMIN (namespaces need CAP_SYS_ADMIN) in this network namespace"),
        EACCES: ("EACCES", "run as root; for a program, the kernel's verifier has refused it"),
        ENOENT: ("ENOENT", "there is no such entry; it may have been removed meanwhile"),
        EBADF: ("EBADF", "the descriptor is closed or of the wrong kind"),
        ENOMEM: ("ENOMEM", "the host has run out of memory"),
        EBUSY: ("EBUSY", "the interface is already in use, perhaps as a port of another bridge; 'ip -d link' shows its master"),
        EEXIST: ("EEXIST", "one of that name exists already; 'ip link' lists them"),
        ENODEV: ("ENODEV", "the interface is gone or in another network namespace; 'ip link' lists those here"),
        EINVAL: ("EINVAL", "the kernel refuses one of the values"),
        EMFILE: ("EMFILE", "this process has too many files open; raise 'ulimit -n'"),
        ENFILE: ("ENFILE", "the host has too many files open; raise fs.file-max"),
        ENOSPC: ("ENOSPC", "a limit of the kernel is reached; for namespaces see /proc/sys/user"),
        ENAMETOOLONG: ("ENAMETOOLONG", "an interface's name has at most 15 bytes"),
        ELOOP: ("ELOOP", "an interface can't be under itself; a bridge can't be a bridge's port"),
        EXFULL: ("EXFULL", "a bridge takes at most 1023 ports"),
        ENOBUFS: ("ENOBUFS", "the kernel had more to say than the socket could hold"),
        ENOTSUP: ("EOPNOTSUPP", "this kernel or this kind of interface can't do that"),
        EPROTONOSUPPORT: ("EPROTONOSUPPORT", "this kernel was built without it"),
        EAFNOSUPPORT: ("EAFNOSUPPORT", "this kernel was built without that protocol family"),
        EADDRNOTAVAIL: ("EADDRNOTAVAIL", "the interface doesn't have that address"),
        ENETDOWN: ("ENETDOWN", "set the interface up first"),
        ENETUNREACH: ("ENETUNREACH", "no route leads to the gateway; give the interface an address in its subnet first"),
        EHOSTUNREACH: ("EHOSTUNREACH", "no route leads there"),
        ENXIO: ("ENXIO", "the device behind it is gone"),
        ESRCH: ("ESRCH", "there is no such entry; it may have been removed meanwhile"),
        ERANGE: ("ERANGE", "a value is out of range"),
        ETIMEDOUT: ("ETIMEDOUT", nil),
        EINTR: ("EINTR", nil),
    ]
}
