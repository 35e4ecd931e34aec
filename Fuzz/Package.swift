// swift-tools-version: 6.2
import PackageDescription

// Each program fuzzes one reader and has a folder of the same name in Sources and in Seeds; `./run` builds and runs them
// all. A new one is one more line here, its source, and seeds.
let programs: [Target] = [
    .program("FuzzFrame"),
    .program("FuzzCapture"),
    .program("FuzzPolicy"),
    .program("FuzzAPI", besides: "VifguardAPI"),
    .program("FuzzXen", besides: "VifguardHypervisors"),
    .program("FuzzLibvirt", besides: "VifguardHypervisors"),
]

let package = Package(
    name: "fuzz",
    products: programs.map { .executable(name: $0.name, targets: [$0.name]) },
    // By name: the folder may be called anything.
    dependencies: [.package(name: "vifguard", path: "..")],
    targets: programs + [
        // libFuzzer's declaration, and the call of it.
        .target(name: "CFuzzer"),
        .target(name: "Fuzzing", dependencies: ["CFuzzer"], swiftSettings: [.treatAllWarnings(as: .error)]),
    ],
    swiftLanguageModes: [.v6]
)

extension Target {
    /// - Parameter product: what it needs of Vifguard beside the core.
    static func program(_ name: String, besides product: String? = nil) -> Target {
        .executableTarget(
            name: name,
            dependencies: ["Fuzzing"] + ["VifguardCore", product].compactMap(\.self).map { .product(name: $0, package: "vifguard") },
            swiftSettings: [.treatAllWarnings(as: .error)])
    }
}
