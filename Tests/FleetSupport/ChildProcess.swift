package import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A process that a test starts, and may kill at any moment.
///
/// Not Foundation's: that one notices an end by a socket which children started at the same time inherit, and then it waits for those.
/// Here a thread waits for each child.
package final class ChildProcess: Sendable {
    package let id: Int32
    private let ended = Mutex<(status: Int32?, waiting: [CheckedContinuation<Int32, Never>])>((nil, []))

    package struct CannotStart: Error {
        let path: String
        let code: Int32
    }

    /// - Parameters:
    ///   - output: where standard output goes; created.
    ///   - error: where standard error goes; the same file as the output when `nil`.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: URL? = nil, output: URL, error: URL? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input?.path ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        if let error {
            posix_spawn_file_actions_addopen(&actions, 2, error.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        // The threads of a test block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Whoever runs the tests may ignore signals (nohup does), and a script cannot take that back.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw CannotStart(path: path, code: code) }
        id = pid
        Thread { [self] in
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            end(with: status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F))
        }.start()
    }

    private func end(with status: Int32) {
        let waiting = ended.withLock { ended in
            ended.status = status
            defer { ended.waiting = [] }
            return ended.waiting
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    package var hasEnded: Bool { ended.withLock { $0.status != nil } }

    package func signal(_ number: Int32) { kill(id, number) }

    /// Waits for the end: the exit status, or the signal's number below zero.
    @discardableResult
    package func status() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status = ended.withLock { ended in
                if ended.status == nil { ended.waiting.append(continuation) }
                return ended.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    @discardableResult
    package func end(_ number: Int32) async -> Int32 {
        if !hasEnded { signal(number) }
        return await status()
    }

    /// Runs a command to its end.
    package static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: URL? = nil
    ) async throws -> (status: Int32, output: String, error: String) {
        let files = ["out", "err"].map { FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString).\($0)") }
        defer { for file in files { try? FileManager.default.removeItem(at: file) } }
        let status = await (try ChildProcess(path, arguments, environment: environment, input: input, output: files[0], error: files[1]))
            .status()
        return (status, files[0].text, files[1].text)
    }
}
