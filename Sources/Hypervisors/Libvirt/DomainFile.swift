import CLinux
import Glibc
import Netlink

/// A file of libvirt's.
enum DomainFile {
    /// As many as a host has ports.
    static let maximumFiles = 4096

    /// Names of the files in a folder that hold XML, sorted; none where there is no such folder.
    ///
    /// - Throws: `CardError` if it can't be read.
    static func names(in folder: String) throws(CardError) -> [String] {
        Array(try Hypervisors.names(inFolder: folder).filter { $0.hasSuffix(".xml") }.prefix(maximumFiles))
    }

    /// - Parameter mustBeRoots: whether only root may be able to write it.
    /// - Throws: `CardError` for what is no regular file, too large, or can't be read.
    static func read(_ path: String, mustBeRoots: Bool = false) throws(CardError) -> [UInt8] {
        let descriptor = clinux_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw CardError("it can't be opened: \(SystemErrorNumber(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw CardError("it is no regular file") }
        guard !mustBeRoots || status.st_uid == 0 && status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw CardError("others than root may write it: it isn't believed")
        }
        return try read(descriptor)
    }

    /// All that a descriptor gives until its end.
    static func read(_ descriptor: Int32) throws(CardError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CardError("it can't be read: \(SystemErrorNumber(errno))") }
            guard count > 0 else { return bytes }
            // The rest is taken all the same: whoever writes to a pipe isn't cut off.
            if bytes.count <= MarkupReader.maximumBytes { bytes += buffer[..<count] }
        }
    }
}

/// What a file looks like from outside: another mark, another file.
struct FileMark: Equatable {
    private var inode: UInt64
    private var size: Int64
    private var seconds: Int
    private var nanoseconds: Int

    /// nil if there is none.
    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        (inode, size, seconds, nanoseconds) = (UInt64(status.st_ino), Int64(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
