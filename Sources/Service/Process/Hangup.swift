#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// SIGHUP, the order to read the configuration again. Until somebody listens for it a process ends by it, and `systemctl reload` may come right behind
/// the start. What has not been read yet is read anyway.
package enum Hangup {
    package static func ignore() { signal(SIGHUP, SIG_IGN) }
}
