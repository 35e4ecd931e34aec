/// What a policy's `defaults` say of every guest, for bindings that aren't in its files: a hypervisor's, or made by hand.
public struct GuestDefaults: Sendable, Hashable {
    public var linkLocalMode: LinkLocalMode
    public var quiet: Bool
    public var mode: Mode
    public var limits: Limits

    public init(linkLocalMode: LinkLocalMode = .claim, quiet: Bool = true, mode: Mode = .enforce, limits: Limits = .default) {
        self.linkLocalMode = linkLocalMode
        self.quiet = quiet
        self.mode = mode
        self.limits = limits
    }

    /// The binding with these instead of what it says itself.
    public func applied(to binding: Binding) -> Binding {
        var binding = binding
        binding.linkLocalMode = linkLocalMode
        binding.quiet = quiet
        binding.mode = mode
        binding.limits = limits
        return binding
    }
}
