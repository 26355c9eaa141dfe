/// What a person may do in the console.
public enum ConsoleRole: String, Sendable, CaseIterable {
    /// Looks.
    case viewer
    /// Sends again, reconciles, restores and resolves as well.
    case `operator`
    /// Corrects and discards as well.
    case admin

    func includes(_ role: ConsoleRole) -> Bool {
        switch (self, role) {
        case (.admin, _), (_, .viewer), (.operator, .operator): true
        default: false
        }
    }
}

/// Who may use the console, by tokens of the configuration.
public struct ConsoleAccess: Sendable, Equatable {
    /// Somebody's token. It does not print.
    public struct Holder: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        public let name: String
        public let role: ConsoleRole
        private let token: [UInt8]

        public init(name: String, role: ConsoleRole, token: String) {
            self.name = name
            self.role = role
            self.token = Array(token.utf8)
        }

        public var description: String { "\(name) (\(role.rawValue))" }
        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: []) }

        /// Takes as long for a wrong token as for the right one.
        fileprivate func holds(_ given: [UInt8]) -> Bool {
            var difference =
                UInt8(truncatingIfNeeded: given.count ^ token.count) | UInt8(truncatingIfNeeded: (given.count ^ token.count) >> 8)
            for (index, byte) in token.enumerated() { difference |= byte ^ (index < given.count ? given[index] : 0) }
            return difference == 0
        }
    }

    public let holders: [Holder]

    public init(_ holders: [Holder] = []) {
        self.holders = holders
    }

    /// Nobody is configured: whoever can reach the console may use it, so it listens on this machine alone.
    public var isOpen: Bool { holders.isEmpty }

    package func holder(of token: String) -> Holder? {
        let given = Array(token.utf8)
        // Each is compared, whichever it is.
        return holders.filter { $0.holds(given) }.first
    }
}
