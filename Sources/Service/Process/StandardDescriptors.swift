#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard input, output and error, which everybody writes to by their numbers.
package enum StandardDescriptors {
    /// Opens those that whoever started this process has closed. Else the next socket has the number, and a line that is meant for people is
    /// sent to the broker. Before anything else is opened.
    package static func fill() {
        // The lowest number that is free is given out, so that each gap is filled in its turn.
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            if descriptor < 0 { return }
            if descriptor > 2 {
                close(descriptor)
                return
            }
        }
    }
}
