import Addresses
import Netlink

/// A guest that makes its link-local address by RFC 7217, as NetworkManager and Windows do: claimed by its first use.
enum StablePrivacy {
    static func tryOut(_ pass: ProofPass) throws {
        let made = try pass.network.namespace(of: .router).run {
            // IN6_ADDR_GEN_MODE_RANDOM: a stable secret made at random.
            try Kernel.set("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", 3)
            try InterfaceSetting.disableIPv6.set(1, for: "eth0")
            try InterfaceSetting.acceptDuplicateAddressDetection.set(1, for: "eth0")
            try InterfaceSetting.disableIPv6.set(0, for: "eth0")
            let card = try Link.named("eth0").index
            let deadline = ContinuousClock.now + ProofPass.patience
            while ContinuousClock.now < deadline {
                for entry in try InterfaceAddress.all(on: card) where !entry.isTentative {
                    if case .v6(let address) = entry.address, address.isLinkLocal { return address }
                }
                Pause.brief()
            }
            throw Undelivered("the guest's own choice of link-local address stayed tentative")
        }
        guard made != Stage.router.linkLocal else { throw Undelivered("the kernel made \(made) of the MAC, not by RFC 7217") }
        try pass.chill(.router, .gateway)
        try pass.ping(.router, .v6(Stage.gateway.linkLocal))
        try pass.chill(.router, .gateway)
        try pass.ping(.gateway, .v6(made))
    }
}
