// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    // By name: the folder may be called anything.
    dependencies: [.package(name: "vifguard", path: "..")],
    targets: [
        // Frames as received on a port, and what they cost.
        .target(name: "CInjection", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])], linkerSettings: [.linkedLibrary("bpf")]),
        .executableTarget(
            name: "bench",
            dependencies: [
                "CInjection", .product(name: "VifguardCore", package: "vifguard"), .product(name: "VifguardLab", package: "vifguard"),
            ],
            swiftSettings: [
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),  // SE-0335
                .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
            ]),
    ],
    swiftLanguageModes: [.v6]
)
