import DeclineRecovery
import Logging

/// Log records as lines for a person, on standard error.
struct TerminalLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let clock: SystemClock
    let isColoured: Bool

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
        let time = clock.now().rfc3339.dropFirst(11).prefix(12)
        let name = level.rawValue.uppercased()
        var line =
            "\(time) \(paint(name, level))\(String(repeating: " ", count: max(8 - name.utf8.count, 1)))\(LogText.told(message).printable())"
        let all = metadata.merging(more ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) {
            line += "  \(name)=\(LogText.told(value.description, under: name).printable())"
        }
        return Array((line + "\n").utf8)
    }

    private func paint(_ text: String, _ level: Logger.Level) -> String {
        guard isColoured else { return text }
        let colour =
            switch level {
            case .trace, .debug: "2"
            case .info, .notice: "36"
            case .warning: "33"
            case .error, .critical: "31"
            }
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}
