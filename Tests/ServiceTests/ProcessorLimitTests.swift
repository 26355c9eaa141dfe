import Foundation
import Testing

@testable import Service

/// How many cores a process has where its control groups say less than the machine.
@Suite struct ProcessorLimitTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)")

    private func cores(_ own: String, _ said: [String: String]) throws -> Int {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (path, text) in said {
            let group = folder.appending(path: path)
            try FileManager.default.createDirectory(at: group, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: group.appending(path: "cpu.max"))
        }
        let file = folder.appending(path: "cgroup")
        try Data(own.utf8).write(to: file)
        return ProcessorLimit.cores(of: 64, groups: file.path, root: folder.path)
    }

    @Test(arguments: [
        ("200000 100000\n", 2), ("150000 100000\n", 2), ("50000 100000\n", 1), ("10000000 100000\n", 64), ("max 100000\n", 64),
    ])
    func aShareOfTheTimeIsSoManyCores(text: String, expected: Int) throws {
        #expect(try cores("0::/\n", [".": text]) == expected)
    }

    @Test func theLeastOfThoseItStandsInCounts() throws {
        let own = "0::/system.slice/salvage@checkout.service\n"
        #expect(try cores(own, ["system.slice": "400000 100000\n", "system.slice/salvage@checkout.service": "max 100000\n"]) == 4)
    }

    @Test(arguments: ["", "0 100000\n", "-1 100000\n", "100000\n", "none at all\n"])
    func whatCannotBeReadLimitsNothing(text: String) throws {
        #expect(try cores("0::/\n", [".": text]) == 64)
        #expect(try cores("4:cpu:/a\n", [:]) == 64)
    }
}
