import DeclineRecovery
import JSON

/// How an order stands, by the two members that say it (facts/flexfactor-api.md §9): `status`, a number of the documented table, and
/// `statusName`, whose letters and words vary.
///
/// A word that is nobody's says nothing, and the other member decides. What says two things says neither: it is looked at again, and
/// nothing is told of it.
enum OrderStatus {
    static func state(of order: JSONValue) -> FlexFactorOrder.State {
        let said = sayings(of: order)
        var states = Set(said.compactMap(\.state))
        // The table of numbers has none for a dispute, which is of an order that was paid.
        if states.contains(.chargeback), states.isSubset(of: [.chargeback, .completed, .returned]) { states = [.chargeback] }
        // A word of the portal's is believed by itself, and where the table agrees: not beside what nobody knows.
        let isSaid = said.contains { $0.isOfTable } || said.allSatisfy { $0.state != nil }
        if isSaid, states.count == 1, let state = states.first, said.allSatisfy({ $0.allows(state) }) { return state }
        return .unrecognised(said.isEmpty ? "(none)" : said.map(\.text).joined(separator: ", "))
    }

    /// Whether any of it says that money was taken, whatever the rest says.
    static func isSaidPaid(_ order: JSONValue) -> Bool { sayings(of: order).contains { $0.isPaid } }

    private static func sayings(of order: JSONValue) -> [Said] {
        ["status", "statusName"].compactMap { order[anyCase: $0] }.compactMap(Said.init)
    }

    /// A word as it is compared: `CAPTUREREQUIRED`, `Capture Required` and ` capture_required ` are one.
    static func folded(_ word: String) -> String { word.uppercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" } }

    private static func trimmed(_ text: String) -> String {
        var rest = text.drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }

    /// What one of the members says.
    private struct Said {
        /// For people.
        let text: String
        /// How the order stands by it; `nil` for a word that does not say so by itself.
        let state: FlexFactorOrder.State?
        /// The documented table has it.
        let isOfTable: Bool
        /// What such a word may be said of; `nil` of all.
        private let possible: Set<FlexFactorOrder.State>?

        /// `nil` for what says nothing: `null`, and a text without a letter.
        init?(_ value: JSONValue) {
            let written = value.string
            let word = OrderStatus.folded(written ?? "")
            if value.isNull || written != nil && word.isEmpty { return nil }
            // A number may be written as 7, 7.0 and "7".
            let number = value.whole ?? written.flatMap { JSONValue.number(OrderStatus.trimmed($0)).whole }
            text = CardDataGuard.redacted(String((written ?? number.map { String($0) } ?? "(unreadable)").prefix(60)))
            if let number {
                state = OrderStatus.numbers.indices.contains(Int(clamping: number)) ? OrderStatus.numbers[Int(clamping: number)] : nil
            } else {
                state = OrderStatus.names[word] ?? OrderStatus.portal[word]
            }
            isOfTable = state != nil && (number != nil || OrderStatus.names[word] != nil)
            // Of what went back in part something is left.
            possible = state != nil ? nil : word.hasPrefix("PARTIAL") ? [.completed] : OrderStatus.others[word]
        }

        var isPaid: Bool { state?.tookMoney ?? (possible?.contains(.completed) == true) }
        func allows(_ state: FlexFactorOrder.State) -> Bool { possible?.contains(state) ?? true }
    }

    /// By their places.
    private static let numbers: [FlexFactorOrder.State] = [
        .draft, .onHold, .cancelled, .problem, .processing, .captureRequired, .returned, .completed,
    ]
    private static let names: [String: FlexFactorOrder.State] = [
        "DRAFT": .draft, "ONHOLD": .onHold, "CANCELLED": .cancelled, "CANCELED": .cancelled, "PROBLEM": .problem,
        "PROCESSING": .processing, "CAPTUREREQUIRED": .captureRequired, "RETURNED": .returned, "COMPLETED": .completed,
        "CHARGEBACK": .chargeback,
    ]
    /// How the portal calls what was paid.
    private static let portal: [String: FlexFactorOrder.State] = ["APPROVED": .completed, "REFUNDED": .returned]
    /// What is said elsewhere of orders, and is not the end of one by itself: a charge may be declined that is tried again.
    private static let others: [String: Set<FlexFactorOrder.State>] = [
        "DECLINED": [.cancelled], "EXPIRED": [.cancelled], "FAILED": [.cancelled], "VOIDED": [.cancelled],
        "SUBMITTED": [.draft, .onHold, .processing], "PENDING": [.draft, .onHold, .processing],
        "CHALLENGE": [.draft, .onHold, .problem, .processing], "NOTFOUND": [],
    ]
}

extension FlexFactorOrder.State {
    var tookMoney: Bool {
        switch self {
        case .completed, .returned, .chargeback: true
        default: false
        }
    }

    var isUnclear: Bool { if case .unrecognised = self { true } else { false } }
}
