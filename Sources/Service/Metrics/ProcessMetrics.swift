import DeclineRecovery

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a process says of itself, by the names that all who serve metrics use.
struct ProcessMetrics: Sendable {
    private let ready = Metric("salvage_ready", "1 while the process is ready: what `/readyz` says.", kind: .gauge)
    private let cpu = Metric("process_cpu_seconds_total", "CPU time used.")
    private let memory = Metric("process_resident_memory_bytes", "Memory in use.", kind: .gauge)
    private let memoryLimit = Metric(
        "salvage_memory_limit_bytes", "Memory that there may be before the kernel ends the process, where something limits it.",
        kind: .gauge)
    private let startTime = Metric("process_start_time_seconds", "When the process began.", kind: .gauge)
    private let openDescriptors = Metric("process_open_fds", "File descriptors in use.", kind: .gauge)
    private let mostDescriptors = Metric("process_max_fds", "File descriptors that there may be.", kind: .gauge)

    init() {
        startTime.set(SystemClock().now().inSeconds)
    }

    /// All of them, as they stand at this moment.
    func current(isReady: Bool) -> [Metric] {
        ready.set(isReady ? 1 : 0)
        cpu.set(Double(clock()) / Double(CLOCKS_PER_SEC))
        memory.set(Self.residentBytes())
        memoryLimit.reset()
        if let limit = MemoryLimit.bytes() { memoryLimit.set(Double(limit)) }
        let descriptors = Descriptors.ofThisProcess
        openDescriptors.set(Double(descriptors.limit - descriptors.spare()))
        mostDescriptors.set(Double(descriptors.limit))
        return [ready, cpu, memory, memoryLimit, startTime, openDescriptors, mostDescriptors]
    }

    private static func residentBytes() -> Double {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
