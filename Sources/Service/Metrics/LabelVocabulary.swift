import DeclineRecovery
import Synchronization

/// The words that may stand in the labels of metrics: what the configuration and the tables say, and of the rest only `other`.
///
/// A stranger's words as labels would fill the page with series, push the real ones out, and show whatever he wrote to everybody who reads it.
final class LabelVocabulary: Sendable {
    static let other = "other"
    /// A code that nothing maps is news to somebody, so it is named: as long as it looks like a code, and so many of each source.
    static let mostCodes = 50

    private struct State {
        var merchants: Set<String> = []
        var sources: Set<String> = []
        var codes: [String: Set<String>] = [:]
    }

    private let state = Mutex(State())

    /// Takes up a merchant of the configuration; whether it is new.
    func learn(_ merchant: Merchant) -> Bool {
        state.withLock { state in
            state.sources.formUnion(merchant.gateways.values.map(\.type))
            return state.merchants.insert(merchant.id.text).inserted
        }
    }

    func merchant(_ id: MerchantID) -> String { state.withLock { $0.merchants.contains(id.text) } ? id.text : Self.other }

    /// A code source as a label: its table's name, or a type that the configuration knows.
    func source(_ source: String) -> String {
        let name = source.lowercased()
        return DeclineTables.builtIn.table(of: source)?.source ?? (state.withLock { $0.sources.contains(name) } ? name : Self.other)
    }

    /// Source and code of a decline that no mapping knows, as labels.
    func code(_ code: String, of source: String) -> (source: String, code: String) {
        state.withLock { state in
            let name = source.lowercased()
            guard let known = DeclineTables.builtIn.table(of: source)?.source ?? (state.sources.contains(name) ? name : nil) else {
                return (Self.other, Self.other)
            }
            guard Self.isCode(code) else { return (known, Self.other) }
            if state.codes[known, default: []].contains(code) { return (known, code) }
            guard state.codes[known, default: []].count < Self.mostCodes else { return (known, Self.other) }
            state.codes[known, default: []].insert(code)
            return (known, code)
        }
    }

    /// A word as processors write codes, with at most six digits: nothing that a card number could be.
    private static func isCode(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.utf8.count { (0x30...0x39).contains($0) } <= 6
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F || $0 == 0x2D
            }
    }
}
