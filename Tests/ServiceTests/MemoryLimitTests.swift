import Foundation
import Testing

@testable import Service

/// The least that a control group above a process says of its memory.
@Suite struct MemoryLimitTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)")

    /// - Parameters:
    ///   - own: the file that says in which group a process is.
    ///   - limits: what the groups say, by their paths.
    private func limit(_ own: String, _ limits: [String: String]) throws -> Int64? {
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, said) in limits {
            let group = folder.appending(path: path)
            try FileManager.default.createDirectory(at: group, withIntermediateDirectories: true)
            try Data(said.utf8).write(to: group.appending(path: "memory.max"))
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "cgroup")
        try Data(own.utf8).write(to: file)
        return MemoryLimit.bytes(groups: file.path, root: folder.path)
    }

    @Test func aContainersOwnGroupIsTheRoot() throws {
        #expect(try limit("0::/\n", [".": "1073741824\n"]) == 1_073_741_824)
        #expect(try limit("0::/../../pod1/c2\n", [".": "500\n"]) == 500)
    }

    @Test func theLeastOfThoseItStandsInCounts() throws {
        let own = "0::/system.slice/salvage@checkout.service\n"
        let groups = ["system.slice": "800\n", "system.slice/salvage@checkout.service": "max\n", "system.slice/other.service": "1\n"]
        #expect(try limit(own, groups) == 800)
        #expect(try limit(own, ["system.slice": "800\n", "system.slice/salvage@checkout.service": "700\n"]) == 700)
    }

    @Test func whereNothingIsSaidThereIsNone() throws {
        #expect(try limit("0::/\n", [".": "max\n"]) == nil)
        #expect(try limit("4:memory:/a\n0::/\n", [:]) == nil)
        #expect(try limit("4:memory:/a\n", [".": "500\n"]) == nil)
        #expect(MemoryLimit.bytes(groups: "/nowhere", root: "/nowhere") == nil)
    }
}
