import DeclineRecovery
import Logging

/// One line of JSON for each log record, on standard error.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let clock: SystemClock

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var json = JSONWriter(reservingCapacity: 384)
        json.object { line in
            line.member("time", clock.now().rfc3339)
            line.member("level", event.level.rawValue)
            line.member("message", LogText.told(event.message.description).printable(keepsControls: true))
            for (name, value) in metadata { line.member(name, LogText.told(value.description, under: name).printable(keepsControls: true)) }
            for (name, value) in event.metadata ?? [:] {
                line.member(name, LogText.told(value.description, under: name).printable(keepsControls: true))
            }
        }
        LineWriter.write(json.bytes + [UInt8(ascii: "\n")], to: LineWriter.standardError)
    }
}
