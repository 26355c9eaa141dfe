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
        let time = clock.now().rfc3339.dropFirst(11).prefix(12)
        let level = event.level.rawValue.uppercased()
        var line = "\(time) \(paint(level, event.level))\(String(repeating: " ", count: max(8 - level.utf8.count, 1)))\(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) { line += "  \(name)=\(visible(value.description))" }
        LineWriter.write(Array((line + "\n").utf8), to: LineWriter.standardError)
    }

    private func paint(_ text: String, _ level: Logger.Level) -> String {
        guard isColoured else { return text }
        let colour = switch level {
        case .trace, .debug: "2"
        case .info, .notice: "36"
        case .warning: "33"
        case .error, .critical: "31"
        }
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }

    /// Control characters of whoever wrote the value must not steer the terminal.
    private func visible(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
