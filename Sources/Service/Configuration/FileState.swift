#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a file looks like from outside; another look tells whether it may have changed. A link that was pointed elsewhere is a change, too:
/// that is how a secret is renewed in a pod.
struct FileState: Sendable, Hashable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let changed: Int64

    /// - Returns: `nil` where there is none.
    init?(of path: String) {
        var entry = stat()
        guard stat(path, &entry) == 0 else { return nil }
        device = UInt64(entry.st_dev)
        inode = UInt64(entry.st_ino)
        size = Int64(entry.st_size)
        changed = Int64(entry.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(entry.st_mtim.tv_nsec)
    }
}
