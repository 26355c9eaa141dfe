#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads a file to its end, a pipe as well.
///
/// Foundation's `FileManager.contents` opens without waiting, and finds a pipe empty to which nothing was written yet.
package enum WholeFile {
    /// - Parameter name: `-` is standard input.
    /// - Returns: `nil` where it cannot be read.
    package static func bytes(of name: String) -> [UInt8]? {
        let descriptor = name == "-" ? 0 : open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if descriptor > 0 { close(descriptor) } }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return all }
            if count > 0 { all += buffer[..<count] } else if errno != EINTR { return nil }
        }
    }

    /// Why a file cannot be read, with what to do.
    package static func fault(of name: String) -> String {
        var facts = stat()
        if stat(name, &facts) != 0 {
            return errno == ENOENT ? "it cannot be read: there is no such file" : "it cannot be read; check its permissions"
        }
        return facts.st_mode & S_IFMT == S_IFDIR ? "it cannot be read: it is a folder" : "it cannot be read; check its permissions"
    }

    /// - Returns: `nil` where it cannot be read, or is not UTF-8.
    package static func text(of name: String) -> String? { bytes(of: name).flatMap { String(validating: $0, as: UTF8.self) } }
}
