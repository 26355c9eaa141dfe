/// One fault of the configuration file: where it stands, what was expected. Never holds a secret's text.
package struct ConfigurationFault: Sendable, Hashable, CustomStringConvertible {
    /// E.g. `merchants[0].flexFactorGateways[1].expiryDays`.
    package let path: String
    package let line: Int?
    package let message: String

    package var description: String {
        let place = path.isEmpty ? "the file" : path
        return line.map { "\(place) (line \($0)): \(message)" } ?? "\(place): \(message)"
    }
}

/// The file is refused as a whole, with every fault.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    package let file: String
    package let faults: [ConfigurationFault]
    /// The files of secrets and authorities that it asks for: what mends it may come there.
    let secretFiles: [String]

    init(file: String, faults: [ConfigurationFault], secretFiles: [String] = []) {
        self.file = file
        self.faults = faults
        self.secretFiles = secretFiles
    }

    package var advice: String { "Mend each of them; `salvage config check \(file)` looks again." }

    package var description: String {
        let count = faults.count == 1 ? "one fault" : "\(faults.count) faults"
        return "the configuration \(file) has \(count):\n" + faults.map { "  \($0)" }.joined(separator: "\n") + "\n\(advice)"
    }
}
