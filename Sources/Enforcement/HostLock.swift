import CLinux
import Datapath
import Glibc
import Netlink

/// Between looking at a host and changing it nobody else may change it: what a hot-plug script has just bound would be
/// closed by a plan that was made before. A lock on the pins' folder of links, which is there with the pins and goes
/// with them; a killed process lets go of it. (`Datapath` has one of its own on the folder itself, for each change.)
enum HostLock {
    static func run<T>(_ pins: PinFolder, _ body: () throws(EnforcementError) -> T) throws(EnforcementError) -> T {
        let path = "\(pins.path)/links"
        while true {
            let descriptor = clinux_open(path, O_RDONLY | O_DIRECTORY)
            guard descriptor >= 0 else {
                if errno == ENOENT { throw .datapath(.notLoaded(path: pins.path)) }
                throw .datapath(.system(action: "open \(path)", errno: .current))
            }
            defer { close(descriptor) }
            while flock(descriptor, LOCK_EX) != 0 {
                guard errno == EINTR else { throw .datapath(.system(action: "lock \(path)", errno: .current)) }
            }
            // Uninstalled, and perhaps loaded again, while this one waited.
            var locked = stat()
            var present = stat()
            guard fstat(descriptor, &locked) == 0, stat(path, &present) == 0, locked.st_ino == present.st_ino,
                locked.st_dev == present.st_dev
            else { continue }
            return try body()
        }
    }
}
