#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How much memory this process may take before the kernel ends it, by its control groups (cgroup v2).
///
/// A group may say `max` and stand in one that says less, so the least of all that it stands in counts.
enum MemoryLimit {
    /// `nil` where nothing limits it, or nothing is said here: an older machine's groups are of version 1.
    ///
    /// - Parameters:
    ///   - groups: the file that says in which group it is.
    ///   - root: the folder of all groups; in a container that of its own.
    static func bytes(groups: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup") -> Int64? {
        guard let own = text(of: groups)?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        var folder = root
        var limits = [limit(of: folder)]
        for part in own.dropFirst(4).split(separator: "/") {
            // Where the groups of the machine are not to be seen from here, its own stands above what is.
            if part == ".." { break }
            folder += "/" + part
            limits.append(limit(of: folder))
        }
        return limits.compactMap(\.self).min()
    }

    private static func limit(of folder: String) -> Int64? {
        text(of: folder + "/memory.max").flatMap { Int64($0.prefix { !$0.isNewline }) }
    }

    /// The beginning of a file of the kernel's.
    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        let most = 4_096
        var bytes = [UInt8](repeating: 0, count: most)
        let count = fread(&bytes, 1, most, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
