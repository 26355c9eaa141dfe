#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Has the threads of this process take turns by their time, and none throw another off its core as soon as it has something to do.
///
/// A worker is many short pieces of work on a few threads that wake each other thousands of times a second. Each time that one is thrown off in
/// the middle of a message its caches are gone: a tenth of what a cascade costs. Who waits for a core gets one within a few milliseconds still.
enum BatchScheduling {
    /// SCHED_BATCH of sched(7), which Glibc shows to programs of the GNU kind alone.
    static let policy: Int32 = 3

    /// For all threads that there are, and for those that they make. Where it may not be had nothing changes.
    static func begin() {
        guard let folder = opendir("/proc/self/task") else { return }
        defer { closedir(folder) }
        var ordinary = sched_param()
        while let entry = readdir(folder) {
            let thread = withUnsafeBytes(of: entry.pointee.d_name) { name in
                name.prefix { $0 != 0 }.reduce(0 as pid_t) { (0x30...0x39).contains($1) ? $0 &* 10 &+ pid_t($1 & 0xF) : $0 }
            }
            // The folder itself and the one above are no threads; 0 would be this one.
            if thread > 0 { sched_setscheduler(thread, policy, &ordinary) }
        }
    }
}
