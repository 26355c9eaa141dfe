import FoundationEssentials

/// How many cores this process has: those that it may run on, or fewer, where its control groups allow it less of their time. In a container
/// all of the machine's are seen, whatever its share of them.
enum ProcessorLimit {
    static func cores(
        of all: Int = ProcessInfo.processInfo.activeProcessorCount, groups: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup"
    ) -> Int {
        // How long all threads together may run in how long: 50000 100000 is half a core.
        let share = ControlGroups.least("cpu.max", groups: groups, root: root) { text in
            let words = text.split { $0.isWhitespace }.map { Int64($0) }
            guard words.count == 2, let time = words[0], let period = words[1], time > 0, period > 0 else { return nil }
            return time / period + (time % period == 0 ? 0 : 1)
        }
        return share.map { min(all, Int($0)) } ?? all
    }
}
