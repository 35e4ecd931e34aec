import Addresses
import Fuzzing
import Packets

@main enum FuzzFrame {
    /// The first byte of an input says what travels beside the frame, so that the corpus covers that too.
    static func main() {
        fuzz { data, size in
            let input = bytes(data, size)
            guard let beside = input.first else { return 0 }
            let tag = beside & 1 == 0 ? nil : VLANTag(tpid: beside & 2 == 0 ? .vlan : .serviceVLAN, vid: UInt16(beside >> 3))
            decodeEverything(Array(input.dropFirst()), offloadedTag: tag, isSegmentationOffload: beside & 4 != 0)
            return 0
        }
    }
}
