// swift-tools-version: 6.2
import PackageDescription

/// Every target is held to the same bar: Swift 6 language mode, and no warning survives a build.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
]
let strictC: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

let package = Package(
    name: "vifguard",
    products: [
        .executable(name: "vifguard", targets: ["vifguard"]),
        .library(name: "VifguardCore", targets: ["Addresses", "Packets", "Policy", "PolicyText"]),
        .library(name: "VifguardAPI", targets: ["API"]),
        .library(name: "VifguardHypervisors", targets: ["Hypervisors"]),
        .library(name: "VifguardLab", targets: ["Lab", "Enforcement", "Classic", "Datapath", "Netlink"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        // Parts of Hummingbird that the API's sockets and deadlines are made of.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    ],
    targets: [
        // C boundary: headers in the right order and the few calls Swift can't make itself.
        .target(name: "CLinux", cSettings: strictC),
        .target(name: "CBPF", linkerSettings: [.linkedLibrary("bpf")]),
        // guard.h is written once: included by the kernel program, imported by Swift.
        .target(
            name: "DatapathProgram",
            exclude: [
                "LICENSE.md", "guard.bpf.c", "account.h", "arp.h", "delivery.h", "dhcp.h", "frame.h", "guest.h", "ipv4.h", "ipv6.h", "maps.h", "nd.h",
                "own.h", "uplink.h",
            ], cSettings: strictC),

        // Compiles guard.bpf.c with the toolchain's own clang and embeds the object in Datapath.
        .executableTarget(name: "datapath-compiler", swiftSettings: strict),
        .plugin(name: "CompileDatapathProgram", capability: .buildTool(), dependencies: ["datapath-compiler"]),

        // The core: values and functions of values, standard library only.
        .target(name: "Addresses", swiftSettings: strict),
        .target(name: "Packets", dependencies: ["Addresses"], swiftSettings: strict),
        .target(name: "Policy", dependencies: ["Addresses", "Packets"], swiftSettings: strict),

        // The edges.
        .target(name: "PolicyText", dependencies: ["Addresses", "Policy", .product(name: "Yams", package: "Yams")], swiftSettings: strict),
        .target(name: "Netlink", dependencies: ["Addresses", "CLinux"], swiftSettings: strict),
        .target(name: "Processes", dependencies: ["CLinux", "Netlink"], swiftSettings: strict),
        .target(
            name: "Datapath", dependencies: ["Addresses", "Packets", "Policy", "DatapathProgram", "CBPF", "CLinux", "Netlink"],
            swiftSettings: strict, plugins: ["CompileDatapathProgram"]),
        .target(
            name: "Enforcement", dependencies: ["Addresses", "Packets", "Policy", "Netlink", "Datapath", "CLinux"],
            swiftSettings: strict),
        // The rules of 2008, for kernels without eBPF.
        .target(
            name: "Classic", dependencies: ["Addresses", "Policy", "Netlink", "Enforcement", "Processes", "CLinux"], swiftSettings: strict),
        // What hypervisors say of their guests, and what they call when one comes or goes.
        .target(
            name: "Hypervisors",
            dependencies: ["Addresses", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "Classic", "Reporting", "CLinux"],
            swiftSettings: strict),
        .target(
            name: "Lab",
            dependencies: ["Addresses", "Packets", "Policy", "Netlink", "Datapath", "Enforcement", "Classic", "Processes", "CLinux"],
            swiftSettings: strict),
        // What is told about a host, as values that the command prints and the API answers with.
        .target(
            name: "Reporting", dependencies: ["Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement"],
            swiftSettings: strict),
        .target(
            name: "EventStore", dependencies: ["Packets", "Policy", "Datapath", "Reporting", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .target(
            name: "Doctor",
            dependencies: [
                "Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "Classic", "Reporting", "EventStore", "CLinux",
                "CBPF", .product(name: "Subprocess", package: "swift-subprocess"),
            ], swiftSettings: strict),
        .target(
            name: "API",
            dependencies: [
                "Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "Reporting", "EventStore", "Doctor", "CLinux",
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"), .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            // The interface's description is part of the program: it needs no file when it runs.
            resources: [.embedInCode("openapi.yaml")],
            swiftSettings: strict),
        .target(
            name: "Agent",
            dependencies: [
                "Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "Reporting", "EventStore", "API", "CLinux",
                .product(name: "Logging", package: "swift-log"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "vifguard",
            dependencies: [
                "Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "Lab", "Reporting", "EventStore", "Doctor",
                "API", "Agent", "Hypervisors", "Classic", "CLinux", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // For tests and the soak: the same chance in every run.
        .target(name: "RepeatableChance", path: "Tests/RepeatableChance", swiftSettings: strict),
        .testTarget(name: "AddressesTests", dependencies: ["Addresses", "RepeatableChance"], swiftSettings: strict),
        .testTarget(name: "PacketsTests", dependencies: ["Packets", "Addresses", "RepeatableChance"], swiftSettings: strict),
        .testTarget(name: "PolicyTests", dependencies: ["Policy", "Packets", "Addresses", "RepeatableChance"], swiftSettings: strict),
        .testTarget(
            name: "PolicyTextTests", dependencies: ["PolicyText", "Policy", "Addresses", "RepeatableChance"], exclude: ["Faulty", "Good"],
            swiftSettings: strict),
        .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "CLinux", "RepeatableChance"], swiftSettings: strict),
        .testTarget(name: "EnforcementTests", dependencies: ["Enforcement", "Datapath", "Netlink", "Policy", "Addresses"], swiftSettings: strict),
        .testTarget(
            name: "HypervisorsTests", dependencies: ["Hypervisors", "FakeXen", "PolicyText", "Policy", "Addresses", "Netlink"], swiftSettings: strict),
        // A xenstored made by tests.
        .target(name: "FakeXen", dependencies: ["CLinux"], path: "Tests/FakeXen", swiftSettings: strict),
        .testTarget(
            name: "ClassicTests", dependencies: ["Classic", "Enforcement", "Netlink", "PolicyText", "Policy", "Addresses"], swiftSettings: strict),
        .testTarget(
            name: "CommandTests", dependencies: ["vifguard", "EventStore", "Datapath", "Reporting", "Policy", "Packets", "Addresses"],
            exclude: ["Golden", "Inputs"],
            swiftSettings: strict),
        .testTarget(
            name: "EventStoreTests",
            dependencies: ["EventStore", "Reporting", "Datapath", "Policy", "Packets", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .testTarget(
            name: "DoctorTests",
            dependencies: [
                "Doctor", "Enforcement", "Datapath", "Netlink", "PolicyText", "Policy", "Packets", "Addresses", "Reporting", "EventStore",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Reporting", "Policy", "PolicyText", "Datapath", "Enforcement", "Netlink", "Addresses", "Packets", "EventStore",
                "RepeatableChance",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"), .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "EventStore", "Datapath", "Policy", "Addresses", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        // Hours of a host's life, by hand (`make soak`) and some seconds of it among the system tests.
        .executableTarget(
            name: "soak",
            dependencies: [
                "Addresses", "Packets", "Policy", "PolicyText", "Netlink", "Datapath", "Enforcement", "EventStore", "Lab", "RepeatableChance",
            ],
            path: "Tests/Soak", swiftSettings: strict),
        // Need root: each builds its own network namespaces and leaves nothing behind.
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "vifguard", "soak", "CBPF", "CLinux", "Lab", "Datapath", "DatapathProgram", "Enforcement", "Netlink", "Policy", "Packets",
                "Addresses", "EventStore", "Agent", "Doctor", "API", "Reporting", "Hypervisors", "Classic", "FakeXen", "PolicyText",
                "Processes", "RepeatableChance",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
