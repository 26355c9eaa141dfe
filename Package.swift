// swift-tools-version: 6.2
import PackageDescription

// The target list is the architecture: each target may import what its line names and nothing else
// (`--explicit-target-dependency-import-check error` in deploy/local/test turns the rest into errors).

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nio = "swift-nio"
let nioCore: Target.Dependency = .product(name: "NIOCore", package: nio)
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: nio)
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: nio)
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: nio)
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "salvage",
    products: [
        .executable(name: "salvage", targets: ["salvage"]),
        .executable(name: "flexfactor-sandbox", targets: ["flexfactor-sandbox"]),
        .library(name: "Broker", targets: ["Broker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CLibSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "Broker", dependencies: ["CRabbitMQ", "CLibSSL", .product(name: "DequeModule", package: "swift-collections")],
            exclude: ["README.md"], swiftSettings: settings),
        .target(name: "JSON", exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "DeclineRecovery", dependencies: ["JSON", "CDeclineTables"],
            exclude: ["README.md", "DeclineMapping/README.md", "DeclineMapping/Tables", "Recovery/README.md"], swiftSettings: settings),
        .target(name: "CDeclineTables", exclude: ["README.md"]),
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "FlexFactor", dependencies: ["DeclineRecovery", "JSON", "CLibCrypto", nioCore, nioPosix, nioHTTP1, nioTLS, nioSSL],
            exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Pipeline", dependencies: ["DeclineRecovery", "JSON"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Operations", dependencies: ["DeclineRecovery", "JSON", "Pipeline"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Console",
            dependencies: [
                "CConsolePage", "DeclineRecovery", "JSON", "Operations", nioCore, log,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            exclude: ["README.md", "Page"], swiftSettings: settings),
        .target(name: "CConsolePage", exclude: ["README.md"]),
        .target(
            name: "Service",
            dependencies: [
                "Broker", "Console", "DeclineRecovery", "JSON", "FlexFactor", "Operations", "Pipeline", nioCore, nioPosix, log,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["README.md"], swiftSettings: settings),
        .executableTarget(
            name: "salvage",
            dependencies: [
                "Operations", "Pipeline", "Broker", "DeclineRecovery", "JSON", "FlexFactor", "Service", arguments, log,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            exclude: ["README.md"], swiftSettings: settings),
        .executableTarget(
            name: "flexfactor-sandbox",
            dependencies: ["CLibCrypto", nioCore, nioPosix, nioHTTP1, arguments],
            exclude: ["README.md"], swiftSettings: settings),

        .executableTarget(
            name: "bench-parts", dependencies: ["DeclineRecovery", "FlexFactor", "JSON", "Pipeline", "TestSupport"],
            exclude: ["README.md"], swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: ["DeclineRecovery", "Pipeline"], path: "Tests/TestSupport", swiftSettings: settings),
        .target(
            name: "FleetSupport", dependencies: ["TestSupport", "Broker", "DeclineRecovery"], path: "Tests/FleetSupport",
            swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests", dependencies: ["FleetSupport", "TestSupport", "Broker", "DeclineRecovery", "FlexFactor"],
            path: "Tests/Integration", swiftSettings: settings),
        .testTarget(
            name: "FaultTests", dependencies: ["FleetSupport", "TestSupport", "Broker", "DeclineRecovery"], path: "Tests/Faults",
            swiftSettings: settings),
        .testTarget(
            name: "BrowserTests", dependencies: ["FleetSupport", "TestSupport", "Broker", "DeclineRecovery", "JSON"], path: "Tests/Browser",
            swiftSettings: settings),
        .testTarget(name: "BrokerTests", dependencies: ["Broker", "CRabbitMQ", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "FlexFactorTests", dependencies: ["FlexFactor", "DeclineRecovery", "JSON", "TestSupport", nioCore, nioPosix, nioSSL],
            swiftSettings: settings),
        .testTarget(
            name: "OperationsTests", dependencies: ["Operations", "DeclineRecovery", "JSON", "Pipeline", "TestSupport"],
            swiftSettings: settings),
        .testTarget(name: "PipelineTests", dependencies: ["Pipeline", "DeclineRecovery", "JSON", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "Service", "Broker", "Console", "DeclineRecovery", "JSON", "FlexFactor", "Operations", "Pipeline", "TestSupport", nioCore,
                nioPosix,
                log,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FuzzTests", dependencies: ["Broker", "CRabbitMQ", "DeclineRecovery", "JSON", "FlexFactor", "Pipeline", "TestSupport"],
            path: "Tests/Fuzz",
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests", dependencies: ["DeclineRecovery", "TestSupport"], path: "Tests/Simulation",
            swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "DeclineRecoveryTests", dependencies: ["DeclineRecovery", "JSON", "TestSupport"],
            exclude: ["DeclineMapping/Corpus", "Messages/Written"],
            swiftSettings: settings),
    ]
)
