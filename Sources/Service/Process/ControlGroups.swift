#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the kernel's control groups (cgroup v2) allow this process.
///
/// A group may say `max` and stand in one that says less, so the least of all that it stands in counts.
enum ControlGroups {
    /// - Parameters:
    ///   - file: what is asked of each group, `memory.max`.
    ///   - groups: the file that says in which group it is.
    ///   - root: the folder of all groups; in a container that of its own.
    ///   - read: what the beginning of the file says; `nil` where it limits nothing.
    /// - Returns: `nil` where nothing limits it, or nothing is said here: an older machine's groups are of version 1.
    static func least(_ file: String, groups: String, root: String, _ read: (String) -> Int64?) -> Int64? {
        guard let own = text(of: groups)?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        var folder = root
        var limits = [text(of: folder + "/" + file).flatMap(read)]
        for part in own.dropFirst(4).split(separator: "/") {
            // Where the groups of the machine are not to be seen from here, its own stands above what is.
            if part == ".." { break }
            folder += "/" + part
            limits.append(text(of: folder + "/" + file).flatMap(read))
        }
        return limits.compactMap(\.self).min()
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
