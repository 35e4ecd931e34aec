import Glibc
import Netlink

extension Datapath {
    /// Takes every program of ours off every interface of the calling thread's network namespace, and every pin and map
    /// with it, whatever version made them. What was set at bridges and their ports is the caller's to restore.
    ///
    /// Processes that have the maps open get `DatapathError.superseded` from then on. Nothing loaded is fine.
    public static func uninstall(pins: PinFolder = PinFolder()) throws(DatapathError) {
        guard pins.exists else { return }
        try pins.exclusively { () throws(DatapathError) in
            let attacher = Attacher(pins: pins)
            try ExpeditedGrace.run { () throws(DatapathError) in
                for interface in Set(interfaceIndexes()).union(try attacher.linked().map(\.interface)) {
                    try attacher.detach(interface, isExpedited: true)
                }
            }
            for generation in [PinFolder.Generation.current, .next, .previous] {
                // One that can't be read is removed all the same.
                if let ledger = try? Ledger.pinned(pins, generation) { ledger.isSuperseded = true }
            }
            try pins.removeAll()
        }
    }
}
