import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes lines to a descriptor on a thread of its own, so that nobody who logs waits for who reads the logs: a collector that hangs would
/// stop every lane that has something to say, with charges told to nobody.
///
/// Lines wait up to so many bytes. What comes beyond that is let go, and counted in a line of its own as soon as there is room.
///
/// `@unchecked Sendable`: `state` is locked, all else never changes.
final class LogWriter: @unchecked Sendable {
    private struct State {
        var lines: [[UInt8]] = []
        /// Of all that is not written yet, what the thread has taken included.
        var bytes = 0
        var lost = 0
        var isAsleep = false
    }

    private let descriptor: Int32
    private let most: Int
    private let state = Mutex(State())
    private let wake = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// The process' own. What waits at its end is waited for, a second at most.
    static let standardError: LogWriter = {
        let writer = LogWriter(to: 2)
        atexit { _ = LogWriter.standardError.drain(milliseconds: 1_000) }
        return writer
    }()

    /// It lives as long as the process does.
    init(to descriptor: Int32, most: Int = 4 << 20) {
        self.descriptor = descriptor
        self.most = most
        sem_init(wake, 0, 0)
        start()
    }

    /// What is told of lines that were let go.
    static let loss = "Nobody took log lines in time; so many before this one are missing"
    static let lossLevel = Logger.Level.warning

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Hands a line over.
    ///
    /// - Parameter telling: the line that says how many were let go.
    func write(_ line: [UInt8], telling: (_ lost: Int) -> [UInt8]) {
        let wasAsleep = state.withLock { state in
            if state.bytes + line.count > most {
                state.lost += 1
                return false
            }
            if state.lost > 0 {
                let told = telling(state.lost)
                state.lost = 0
                state.lines.append(told)
                state.bytes += told.count
            }
            state.lines.append(line)
            state.bytes += line.count
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wasAsleep { sem_post(wake) }
    }

    /// Waits until all is written.
    ///
    /// - Returns: whether it is; `false` when nobody took it in time.
    func drain(milliseconds: Int32) -> Bool {
        var left = milliseconds
        while state.withLock({ $0.bytes > 0 }) {
            if left <= 0 { return false }
            poll(nil, 0, 2)
            left -= 2
        }
        return true
    }

    // MARK: The thread

    private func start() {
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<LogWriter>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "LogWriter.start: no thread can be made (\(status))")
        pthread_detach(thread)
    }

    private func run() {
        // A pipe that nobody holds any more shall be an error, not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            for line in take() {
                put(line)
                state.withLock { $0.bytes -= line.count }
            }
        }
    }

    /// What is there; sleeps while there is nothing.
    private func take() -> [[UInt8]] {
        let lines = state.withLock { state in
            defer { state.lines = [] }
            state.isAsleep = state.lines.isEmpty
            return state.lines
        }
        if lines.isEmpty { sem_wait(wake) }
        return lines
    }

    /// A line with one call, so that those of several processes do not mix.
    private func put(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if errno != EINTR {
                // Nobody reads the logs any more, or their disk is full. The work goes on.
                return
            }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
