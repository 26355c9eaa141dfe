import JSON
import Synchronization

/// What response texts meant that were heard before: gateways say the same few hundred over and over.
///
/// The same text means the same for ever, so remembering changes no answer. A place holds the last text that fell to it. What means nothing, and
/// what is long, may be written by people or of them, and is not kept.
final class HeardTexts: Sendable {
    final class Heard: Sendable {
        let text: String
        let words: [String]
        /// Of three letters and more, what was said of checks included.
        let longWords: [String]
        let rule: TextRules.Rule?
        /// The network's codes that the words name as such, and behind them the one that stands beside the words.
        let codes: [String]
        /// A code that they call a response code, and not whose.
        let bareCode: String?
        /// An advice that is named as one: `Merchant advice code: 03`.
        let advice: AdviceCode?

        init(_ text: String, _ words: [String], longWords: [String], _ rule: TextRules.Rule?) {
            self.text = text
            self.words = words
            self.longWords = longWords
            self.rule = rule
            let named = NamedCode.find(in: Array(text.utf8.prefix(TextWords.longest)), hearsRC: rule?.isGeneric ?? false)
            codes = named.filter(\.isOfNetwork).map(\.code) + (CodeKey.inText(text).map { [$0] } ?? [])
            bareCode = codes.isEmpty ? named.first?.code : nil
            advice = AdviceCode(namedIn: text)
        }
    }

    private let places = Mutex([Heard?](repeating: nil, count: HeardTexts.count))

    private static let count = 512
    private static let longest = 128

    func heard(_ text: String, otherwise hear: (String) -> Heard) -> Heard {
        if text.utf8.count > Self.longest { return hear(text) }
        var hasher = Hasher()
        hasher.combine(bytesOf: text)
        let place = hasher.finalize() & (Self.count - 1)
        if let known = places.withLock({ $0[place] }), known.text.hasSameCodePoints(as: text) { return known }
        let heard = hear(text)
        if heard.rule != nil { places.withLock { $0[place] = heard } }
        return heard
    }
}
