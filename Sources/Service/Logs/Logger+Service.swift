import FoundationEssentials
package import Logging

extension Logger {
    /// The logger of a process of the fleet.
    package static func service(_ settings: ProcessSettings) -> Logger {
        let isTerminal = LogWriter.isTerminal(2)
        let isText = settings.logFormat == .text || settings.logFormat == .auto && isTerminal
        let host = ProcessInfo.processInfo.hostName
        let logger = Logger(label: "salvage") { _ in
            if isText { return TerminalLogHandler(logLevel: settings.logLevel, clock: SystemClock(), isColoured: isTerminal) }
            return JSONLogHandler(logLevel: settings.logLevel, clock: SystemClock(), host: host)
        }
        let strangers = SettingNames.strangers(among: ProcessInfo.processInfo.environment.keys)
        if !strangers.isEmpty {
            logger.warning(
                "Variables that are no settings are passed over",
                metadata: [
                    LogKey.error: "\(strangers.joined(separator: ", "))",
                    LogKey.advice: "Compare them with docs/configuration.md. Those that the configuration names itself (`env:`) are read.",
                ])
        }
        return logger
    }
}
