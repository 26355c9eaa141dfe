import Foundation
import Testing

@testable import Service

/// What is read to its end: a file, or a pipe to which somebody writes.
@Suite(.timeLimit(.minutes(1))) struct WholeFileTests {
    /// A pipe with a name of its own, while `body` runs.
    private func withPipe(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "pipe-\(UUID().uuidString)").path
        try #require(mkfifo(path, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func aPipeToWhichNobodyWritesIsNotWaitedForWithoutEnd() throws {
        try withPipe { path in
            #expect(WholeFile.bytes(of: path) == nil && WholeFile.fault(of: path).contains("it is a pipe, and nothing came from it"))
            let error = #expect(throws: ConfigurationError.self) { _ = try SalvageConfiguration(file: path) }
            #expect(error?.faults.first?.message.contains("it is a pipe") == true)
        }
    }

    /// A reload would read nothing more for as long as somebody holds it open.
    @Test func whoHoldsAPipeOpenAndWritesNothingIsNotWaitedForWithoutEnd() throws {
        try withPipe { path in
            let writer = open(path, O_RDWR)
            defer { close(writer) }
            #expect(WholeFile.bytes(of: path, silence: 50) == nil)
        }
    }

    @Test func aPipeIsReadToItsEndHoweverSlowlyItIsWritten() throws {
        try withPipe { path in
            Thread.detachNewThread {
                guard let pipe = FileHandle(forWritingAtPath: path) else { return }
                for part in ["merchants", ": ", "[]"] {
                    try? pipe.write(contentsOf: Data(part.utf8))
                    Thread.sleep(forTimeInterval: 0.05)
                }
                try? pipe.close()
            }
            #expect(WholeFile.text(of: path) == "merchants: []")
        }
    }

    /// It may have no end.
    @Test(arguments: ["/dev/zero", "/dev/full", "/dev/null"])
    func aDeviceIsNoFile(name: String) {
        #expect(WholeFile.bytes(of: name) == nil && WholeFile.fault(of: name).contains("a device"))
        let secret = SecretSources(besides: "./salvage.yaml").file(name)
        #expect(throws: SecretSources.Failure.self) { try secret.get() }
    }

    @Test func whatIsNoTextIsNamed() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "bytes-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data([0x61, 0xFF]).write(to: file)
        #expect(WholeFile.text(of: file.path) == nil && WholeFile.fault(of: file.path).contains("no text in UTF-8"))
        #expect(WholeFile.fault(of: file.path + ".none").contains("no such file"))
    }

    @Test func whatIsTooLongIsNotRead() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "long-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(repeating: 0x61, count: 200_000).write(to: file)
        #expect(WholeFile.bytes(of: file.path, atMost: 199_999) == nil && WholeFile.bytes(of: file.path, atMost: 200_000)?.count == 200_000)
    }
}
