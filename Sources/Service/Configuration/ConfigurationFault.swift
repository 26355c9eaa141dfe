/// One fault of the configuration file: where it stands, what was expected. Never holds a secret's text.
public struct ConfigurationFault: Sendable, Hashable, CustomStringConvertible {
    /// E.g. `merchants[0].flexFactorGateways[1].expiryDays`.
    public let path: String
    public let line: Int?
    public let message: String

    public var description: String {
        let place = path.isEmpty ? "the file" : path
        return line.map { "\(place) (line \($0)): \(message)" } ?? "\(place): \(message)"
    }
}

/// The file is refused as a whole, with every fault.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let file: String
    public let faults: [ConfigurationFault]

    public var isTransient: Bool { false }
    public var advice: String { "Mend each of them; `salvage config check \(file)` looks again." }

    public var description: String {
        let count = faults.count == 1 ? "one fault" : "\(faults.count) faults"
        return "the configuration \(file) has \(count):\n" + faults.map { "  \($0)" }.joined(separator: "\n") + "\n\(advice)"
    }
}
