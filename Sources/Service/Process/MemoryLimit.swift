/// How much memory this process may take before the kernel ends it, by its control groups.
enum MemoryLimit {
    /// - Returns: `nil` where nothing limits it.
    static func bytes(groups: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup") -> Int64? {
        ControlGroups.least("memory.max", groups: groups, root: root) { Int64($0.prefix { !$0.isNewline }) }
    }
}
