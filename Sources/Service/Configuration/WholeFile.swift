#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads a file to its end, a pipe as well, and nothing else: a device may have no end.
///
/// Foundation's `FileManager.contents` opens without waiting, and finds a pipe empty to which nothing was written yet.
package enum WholeFile {
    /// What a configuration or a secret may be long; it is kept in memory.
    static let mostText = 64 << 20
    /// How long somebody may take who is to write to a pipe.
    private static let patience: Int32 = 2_000

    /// - Parameter name: `-` is standard input.
    /// - Parameter silence: how many milliseconds who writes to a pipe may rest.
    /// - Returns: `nil` where it cannot be read, or is longer than that.
    package static func bytes(of name: String, atMost most: Int = .max, silence: Int32 = 60_000) -> [UInt8]? {
        guard let (descriptor, isEmpty) = name == "-" ? (descriptor: 0, isEmpty: false) : opened(name) else { return nil }
        defer { if descriptor > 0 { close(descriptor) } }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while all.count <= most {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return isEmpty && all.isEmpty ? nil : all }
            if count > 0 {
                all += buffer[..<count]
            } else if errno == EAGAIN {
                if !wait(for: descriptor, silence) { return nil }
            } else if errno != EINTR {
                return nil
            }
        }
        return nil
    }

    /// Opens without waiting, for a pipe that nobody opens to write would be waited for without end.
    ///
    /// - Returns: whether it is a pipe to which nothing came in time as well.
    private static func opened(_ name: String) -> (descriptor: Int32, isEmpty: Bool)? {
        let descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var facts = stat()
        let kind = fstat(descriptor, &facts) == 0 ? facts.st_mode & S_IFMT : 0
        if kind == S_IFREG { return (descriptor, false) }
        if kind == S_IFIFO { return (descriptor, !wait(for: descriptor, patience)) }
        close(descriptor)
        return nil
    }

    /// Whether there is something to read, or nobody left to write it.
    private static func wait(for descriptor: Int32, _ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Whether a file stands there that this process may read. What others open by its name, or what is read more than once, is to be one: a pipe
    /// they might wait for without end, and it gives what it has once.
    static func isReadable(_ name: String) -> Bool {
        var facts = stat()
        return stat(name, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(name, R_OK) == 0
    }

    /// Why a file cannot be read, with what to do.
    package static func fault(of name: String) -> String {
        var facts = stat()
        if stat(name, &facts) != 0 {
            return errno == ENOENT ? "it cannot be read: there is no such file" : "it cannot be read; check its permissions"
        }
        switch facts.st_mode & S_IFMT {
        case S_IFDIR: return "it cannot be read: it is a folder"
        case S_IFREG where access(name, R_OK) == 0: return "it cannot be read: it is no text in UTF-8, or longer than 64 MiB"
        case S_IFREG: return "it cannot be read; check its permissions"
        case S_IFIFO: return "it cannot be read: it is a pipe, and nothing came from it; expected a file"
        default: return "it cannot be read: it is a device or a socket; expected a file"
        }
    }

    /// - Returns: `nil` where it cannot be read, is not UTF-8, or is longer than any configuration.
    package static func text(of name: String) -> String? {
        bytes(of: name, atMost: mostText).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
