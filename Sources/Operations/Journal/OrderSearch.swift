package import DeclineRecovery
import JSON
import Synchronization

/// Finds recoveries in the journal by whatever somebody has at hand: an order id, a recovery reference, FlexFactor's id of the order, the
/// declined transaction's id, the event's id, or a part of one of these.
///
/// What is the whole of a name goes before what is a part of one, so that an order that exists is found alone.
package struct OrderSearch: Sendable {
    /// What of a recovery it was found by.
    package enum Name: String, Sendable {
        case order, reference
        case flexFactorOrder = "flexfactor_order"
        case transaction, event
    }

    package struct Hit: Sendable, Equatable {
        package let name: Name
        package let isWhole: Bool
    }

    package struct Found: Sendable {
        /// The oldest first.
        package var records: [JournalRecord] = []
        /// By the reference of a recovery.
        package var hits: [String: Hit] = [:]
        /// Recoveries that are meant as well, and left out.
        package var more = 0

        /// How it was found, where that is not plain from what was asked.
        package var sentence: String? {
            let names = Set(hits.values.filter { !$0.isWhole || ($0.name != .order && $0.name != .reference) }.map(\.name.words))
            if names.isEmpty { return nil }
            let isPart = hits.values.contains { !$0.isWhole }
            let text = "Found by \(isPart ? "a part of " : "")the \(names.sorted().joined(separator: ", "))."
            return more == 0 ? text : text + " \(more) more \(more == 1 ? "has" : "have") it: write more of it."
        }
    }

    /// A part that is shorter is in too many.
    package static let shortest = 4
    /// As many recoveries as one looks through.
    private static let most = 20

    private let wanted: String
    private let lowercased: [UInt8]
    /// What stands in a record in any writing: other characters may be escaped there.
    private let needle: [UInt8]

    package init(_ wanted: String) {
        self.wanted = wanted
        lowercased = wanted.utf8.map { $0.smallLetter }
        needle = Self.needle(of: wanted)
    }

    private static func needle(of text: String) -> [UInt8] {
        let parts = text.utf8.map { $0.smallLetter }.split { !(0x30...0x39).contains($0) && !(0x61...0x7A).contains($0) }
        return parts.max { $0.count < $1.count }.map { Array($0) } ?? []
    }

    /// - Parameter since: how far back the reading begins.
    package func read(since: Moment, in journal: any MessageStream) async throws(BrokerFailure) -> Found {
        let state = Mutex<(hits: [String: Hit], last: [String: Moment], records: [JournalRecord])>(([:], [:], []))
        try await journal.readToEnd(from: .time(since)) { entries in
            // Most records are somebody else's: their bytes are looked at before they are read.
            for entry in entries where entry.body.containsIgnoringCase(needle) {
                guard let record = JournalRecord.decode(entry.body), let hit = hit(record) else { continue }
                let key = record.reference.text
                state.withLock { state in
                    if !(state.hits[key]?.isWhole ?? false) || hit.isWhole { state.hits[key] = hit }
                    state.last[key] = record.at
                    state.records.append(record)
                }
            }
        }
        var (hits, last, records) = state.withLock { $0 }
        if hits.values.contains(where: \.isWhole) { hits = hits.filter(\.value.isWhole) }
        var found = Found(more: max(0, hits.count - Self.most))
        let meant = Set(hits.keys.sorted { (last[$1]?.milliseconds ?? 0, $0) < (last[$0]?.milliseconds ?? 0, $1) }.prefix(Self.most))
        found.hits = hits.filter { meant.contains($0.key) }
        // Order and reference stand in each record of a recovery, the other names in some alone.
        if found.hits.values.contains(where: { $0.name != .order && $0.name != .reference }) {
            records = try await Self.records(of: meant, since: since, in: journal)
        }
        found.records = records.filter { meant.contains($0.reference.text) }.sorted { $0.at < $1.at }
        return found
    }

    private static func records(
        of references: Set<String>, since: Moment, in journal: any MessageStream
    ) async throws(BrokerFailure) -> [JournalRecord] {
        let found = Mutex<[JournalRecord]>([])
        let needles = references.map(needle(of:))
        try await journal.readToEnd(from: .time(since)) { entries in
            for entry in entries where needles.contains(where: entry.body.containsIgnoringCase) {
                guard let record = JournalRecord.decode(entry.body), references.contains(record.reference.text) else { continue }
                found.withLock { $0.append(record) }
            }
        }
        return found.withLock { $0 }
    }

    private func hit(_ record: JournalRecord) -> Hit? {
        let names: [(Name, String?)] = [
            (.order, record.reference.orderID), (.reference, record.reference.text), (.flexFactorOrder, record.flexFactorOrderID?.text),
            (.transaction, record.decline?.transactionID), (.event, record.decline?.eventID),
        ]
        if let name = names.first(where: { $0.1 == wanted })?.0 { return Hit(name: name, isWhole: true) }
        guard lowercased.count >= Self.shortest else { return nil }
        return names.first { $0.1.map { Array($0.utf8).containsIgnoringCase(lowercased) } ?? false }.map { Hit(name: $0.0, isWhole: false) }
    }
}

extension OrderSearch.Name {
    fileprivate var words: String {
        switch self {
        case .order: "order id"
        case .reference: "recovery reference"
        case .flexFactorOrder: "FlexFactor order id"
        case .transaction: "declined transaction's id"
        case .event: "event's id"
        }
    }
}

extension LetterStore {
    /// The letters of what a search found; of an order of which the journal holds nothing, those that name it anywhere.
    package func letters(of found: OrderSearch.Found, _ wanted: String) async throws(BrokerFailure) -> [LetterSummary] {
        var filter = LetterFilter.all
        if found.records.isEmpty {
            filter.order = wanted
            let letters = try await select(filter)
            if !letters.isEmpty || wanted.utf8.count < OrderSearch.shortest { return letters }
            filter.order = nil
            filter.text = wanted
            return try await select(filter)
        }
        let orders = Set(found.records.map(\.reference.orderID))
        let references = Set(found.records.map(\.reference.text))
        // Of a whole order every letter, of one recovery of it only its own.
        let isOrder = found.hits.values.contains { $0.name == .order }
        return look { book in
            book.newestFirst.filter { letter in
                letter.reference.map { references.contains($0.text) } ?? false || isOrder && letter.orderID.map(orders.contains) ?? false
            }
        }
    }
}
