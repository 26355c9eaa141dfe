import Glibc

/// The processor time that work takes on its thread, in nanoseconds: what others do on the machine meanwhile does not count.
package func threadTime(_ work: () -> Void) -> Int64 {
    func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
    let begin = now()
    work()
    return now() - begin
}
