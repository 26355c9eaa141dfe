import DeclineRecovery
import JSON
import Logging

/// One line of JSON for each log record, on standard error.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let clock: SystemClock
    /// Who writes: for those who read the lines of many.
    let host: String

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        LogWriter.standardError.write(line(event.level, event.message.description, event.metadata)) { lost in
            line(LogWriter.lossLevel, LogWriter.loss, [LogKey.suppressed: "\(lost)"])
        }
    }

    private func line(_ level: Logger.Level, _ message: String, _ more: Logger.Metadata?) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 384)
        json.object { line in
            line.member("time", clock.now().rfc3339)
            line.member("level", level.rawValue)
            line.member("message", LogText.told(message).printable(keepsControls: true))
            line.member("service", "salvage")
            line.member("version", SalvageVersion.current)
            line.member("pod", host)
            let told = more.map { metadata.merging($0) { $1 } } ?? metadata
            for (name, value) in told {
                let text = value.description
                if LogKey.numbers.contains(name), let number = Int64(text) {
                    line.member(named: name, number)
                } else {
                    line.member(named: name, LogText.told(text, under: name).printable(keepsControls: true))
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
