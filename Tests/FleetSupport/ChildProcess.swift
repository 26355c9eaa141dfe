public import Foundation
import Synchronization

/// A process that a test starts, and may kill at any moment.
///
/// `@unchecked Sendable`: Process itself is only started before the value is shared, and read for its id afterwards.
public final class ChildProcess: @unchecked Sendable {
    private let process = Process()
    private let ended = Mutex<(status: Int32?, waiting: [CheckedContinuation<Int32, Never>])>((nil, []))
    public let log: URL?

    public init(_ path: String, _ arguments: [String], environment: [String: String] = [:], log: URL?, output: Pipe? = nil, error: Pipe? = nil, in folder: URL? = nil) throws {
        self.log = log
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        process.standardInput = FileHandle.nullDevice
        if let log {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
            let handle = try FileHandle(forWritingTo: log)
            process.standardOutput = handle
            process.standardError = handle
        } else {
            process.standardOutput = output
            process.standardError = error
        }
        process.terminationHandler = { [weak self] process in self?.end(with: process.terminationStatus) }
        try process.run()
    }

    private func end(with status: Int32) {
        let waiting = ended.withLock { ended in
            ended.status = status
            defer { ended.waiting = [] }
            return ended.waiting
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    public var id: Int32 { process.processIdentifier }
    public var hasEnded: Bool { ended.withLock { $0.status != nil } }

    public func signal(_ number: Int32) { kill(id, number) }

    /// Waits for the end.
    @discardableResult
    public func status() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status = ended.withLock { ended in
                if ended.status == nil { ended.waiting.append(continuation) }
                return ended.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    @discardableResult
    public func end(_ number: Int32) async -> Int32 {
        if !hasEnded { signal(number) }
        return await status()
    }

    /// Runs a command to its end.
    public static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil
    ) async throws -> (status: Int32, output: String, error: String) {
        // Files take any amount of output; pipes would have to be drained meanwhile.
        let place = FileManager.default.temporaryDirectory
        let files = ["out", "err"].map { place.appending(path: "salvage-\(UUID().uuidString).\($0)") }
        defer { for file in files { try? FileManager.default.removeItem(at: file) } }
        let words = ([path] + arguments).map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        let child = try ChildProcess(
            "/bin/bash", ["-c", "exec \(words) >'\(files[0].path)' 2>'\(files[1].path)'"], environment: environment, log: nil, in: folder)
        let status = await child.status()
        func text(_ file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
        return (status, text(files[0]), text(files[1]))
    }
}
