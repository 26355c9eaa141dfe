package import DeclineRecovery

/// What a person may do in the console.
package enum ConsoleRole: String, Sendable, CaseIterable {
    /// Looks.
    case viewer
    /// Sends again, reconciles, restores, resolves and pauses as well.
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
package struct ConsoleAccess: Sendable, Equatable {
    /// Somebody's token. It does not print.
    package struct Holder: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        package let name: String
        package let role: ConsoleRole
        private let token: [UInt8]

        package init(name: String, role: ConsoleRole, token: String) {
            self.name = name
            self.role = role
            self.token = Array(token.utf8)
        }

        package var description: String { "\(name) (\(role.rawValue))" }
        package var debugDescription: String { description }
        package var customMirror: Mirror { Mirror(self, children: []) }

        /// Takes as long for a wrong token as for the right one.
        fileprivate func holds(_ given: [UInt8]) -> Bool {
            var difference =
                UInt8(truncatingIfNeeded: given.count ^ token.count) | UInt8(truncatingIfNeeded: (given.count ^ token.count) >> 8)
            for (index, byte) in token.enumerated() { difference |= byte ^ (index < given.count ? given[index] : 0) }
            return difference == 0
        }
    }

    package let holders: [Holder]
    /// How long a correction waits for a second admin; `nil` where the first is enough.
    package let secondPerson: Moment.Span?

    package init(_ holders: [Holder] = [], secondPerson: Moment.Span? = nil) {
        self.holders = holders
        self.secondPerson = secondPerson
    }

    /// Nobody is configured: whoever can reach the console may use it, so it listens on this machine alone.
    package var isOpen: Bool { holders.isEmpty }

    package func holder(of token: String) -> Holder? {
        let given = Array(token.utf8)
        // Each is compared, whichever it is.
        return holders.filter { $0.holds(given) }.first
    }
}
