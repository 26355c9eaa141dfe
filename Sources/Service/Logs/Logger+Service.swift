import FoundationEssentials
package import Logging

extension Logger {
    /// The logger of a process of the fleet.
    package static func service(_ settings: ProcessSettings) -> Logger {
        let isTerminal = LogWriter.isTerminal(2)
        let isText = settings.logFormat == .text || settings.logFormat == .auto && isTerminal
        let host = ProcessInfo.processInfo.hostName
        return Logger(label: "salvage") { _ in
            if isText { return TerminalLogHandler(logLevel: settings.logLevel, clock: SystemClock(), isColoured: isTerminal) }
            return JSONLogHandler(logLevel: settings.logLevel, clock: SystemClock(), host: host)
        }
    }
}
