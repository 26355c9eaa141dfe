import Foundation
import TestSupport

/// The private key under which letters keep tokens, made once for all tests of a process and gone with it.
package actor CardKeyFile {
    package static let shared = CardKeyFile()
    private static var folder: URL { FileManager.default.temporaryDirectory.appending(path: "salvage-keys-\(getpid())") }
    private var made: Task<String, any Error>?

    package func path() async throws -> String {
        let making =
            made
            ?? Task {
                let folder = Self.folder
                try? FileManager.default.removeItem(at: folder)
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                atexit { try? FileManager.default.removeItem(at: CardKeyFile.folder) }
                let outcome = try await ChildProcess.run(TestMachine.salvage, ["keys", "new", "test", "--into", folder.path])
                guard outcome.status == 0 else { throw EndsWaiting(outcome.error) }
                return folder.appending(path: "test.private.pem").path
            }
        made = making
        return try await making.value
    }
}
