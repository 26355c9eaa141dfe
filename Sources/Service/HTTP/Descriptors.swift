import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How many file descriptors this process has left. Ports stop taking connections while there are few: the rest is for the broker and for
/// FlexFactor, where a missing one costs a sale.
final class Descriptors: Sendable {
    static let ofThisProcess = Descriptors(limit: Descriptors.softLimit, count: Descriptors.countOpen)

    /// Kept back from calls to FlexFactor: without the broker there is nothing to call for.
    static let ofTheBroker = 12

    /// The most that this process asks for.
    private static let enough: rlim_t = 65_536

    /// Raises what this process may have to what it is allowed to raise it to. Many systems give 1,024 and mean more.
    static func raise() {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < min(limits.rlim_max, enough) else { return }
        limits.rlim_cur = min(limits.rlim_max, enough)
        setrlimit(resource, &limits)
    }

    /// Calls to FlexFactor that have a descriptor each, whatever comes to the ports.
    var forCalls: Int { max(limit * 11 / 16 - 48, 8) }

    let limit: Int
    private let count: @Sendable () -> Int?
    private let seen = Mutex<(at: NIODeadline, open: Int)?>(nil)
    /// A count is good for so long; what is opened meanwhile, the reserve bears.
    private let age = TimeAmount.milliseconds(100)

    init(limit: Int, count: @escaping @Sendable () -> Int?) {
        self.limit = limit
        self.count = count
    }

    /// Kept back from ports that strangers reach.
    var reserve: Int { min(max(limit / 4, 16), 512) }

    func spare(now: NIODeadline = .now()) -> Int {
        let open = seen.withLock { seen in
            if let seen, now < seen.at + age { return seen.open }
            let open = count() ?? limit
            seen = (now, open)
            return open
        }
        return limit - open
    }

    /// Connections that a port may have at a time.
    func share(_ part: Int, atLeast least: Int, atMost most: Int) -> Int { min(max(limit / part, least), most) }

    private static var softLimit: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1_024 }
        return Int(clamping: limits.rlim_cur)
    }

    /// `nil` where they cannot be counted, which looking for them may itself be for want of one.
    private static func countOpen() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return errno == EMFILE || errno == ENFILE ? nil : 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // This folder itself, "." and "..".
        return max(count - 3, 0)
    }
}
