import DeclineRecovery
import JSON

/// What a request says that nobody is to read in an answer's words: the keys, the card and its token, and who pays.
///
/// FlexFactor's words about a field may quote it (`The token tok_... is unknown`), and go into results, letters and logs. What was sent is
/// known here alone, so it is here that it is taken out.
struct Withheld {
    private struct Text {
        let folded: [UInt8]
        /// Counts only where no letter and no digit touches it: others have such words, too.
        let isWord: Bool
    }

    private let texts: [Text]
    private let longest: Int

    /// - Parameter call: what was asked, of an order.
    /// - Parameter card: what was to be tokenized.
    init(_ credentials: GatewayCredentials, authorization: Secret?, call: FlexFactorCall? = nil, card: ClearCard? = nil) {
        var secrets = [credentials.appKey.exposed, credentials.appSecret.exposed]
        var personal: [String?] = []
        if let key = credentials.environmentKey { secrets += [key.exposed, key.exposed.percentEncoded] }
        if let authorization { secrets.append(String(authorization.exposed.drop { $0 != " " }.dropFirst())) }
        if let card {
            secrets.append(card.number)
            personal += [card.verificationValue, card.firstName, card.lastName, card.email]
        }
        switch call {
        case .evaluate(let charge, _), .recall(let charge, _):
            if case .token(let token) = charge.paymentMethod.card { secrets.append(token.exposed) }
            personal += [
                charge.payer.email, charge.payer.phone, charge.payer.birthdate, charge.customerIP, charge.paymentMethod.holderName,
            ]
            for address in [charge.billing, charge.shipping].compactMap(\.self) {
                personal += [address.addressLine1, address.addressLine2, address.phone, address.firstName, address.lastName]
            }
        case .find, .lookUp, .cancel, .cancelByReference, .capture, .refund, nil: break
        }
        let hidden = secrets.map { Text(folded: Self.folded($0), isWord: $0.utf8.count < Self.leastSecret) }
        let people = personal.compactMap(\.self).map { Text(folded: Self.folded($0), isWord: true) }
        // A name within an address is not to spoil that.
        texts = (hidden + people).filter { $0.folded.count >= Self.leastWord }.sorted { $0.folded.count > $1.folded.count }
        longest = texts.first?.folded.count ?? 0
    }

    /// Shorter ones are as any word.
    private static let leastSecret = 8
    /// `NA` is nobody's.
    private static let leastWord = 3
    /// So much of the beginning of a secret is taken for it, for a quotation may be cut.
    private static let leastMark = 12

    /// The beginning of a text, without what is withheld.
    func removed(from text: String, atMost count: Int) -> String {
        // What begins within is to be known whole.
        var bytes = Array(text.prefix(count + longest).utf8)
        for text in texts { Self.remove(text, from: &bytes) }
        return String(String(decoding: bytes, as: UTF8.self).prefix(count))
    }

    private static let replacement = Array("(withheld)".utf8)

    private static func remove(_ text: Text, from bytes: inout [UInt8]) {
        let (sought, all) = (text.folded, folded(bytes))
        let mark = text.isWord ? sought.count : min(sought.count, Self.leastMark)
        var kept: [UInt8] = []
        var (place, from) = (0, 0)
        while place + mark <= all.count {
            guard all[place..<place + mark].elementsEqual(sought[..<mark]) else {
                place += 1
                continue
            }
            var end = place + mark
            while end < all.count, end - place < sought.count, all[end] == sought[end - place] { end += 1 }
            if text.isWord, isPartOfWord(all, place, end) {
                place += 1
                continue
            }
            kept += bytes[from..<place] + replacement
            (place, from) = (end, end)
        }
        if from > 0 { bytes = kept + bytes[from...] }
    }

    private static func isPartOfWord(_ bytes: [UInt8], _ begin: Int, _ end: Int) -> Bool {
        func belongs(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte >= 0x80 }
        return begin > 0 && belongs(bytes[begin - 1]) || end < bytes.count && belongs(bytes[end])
    }

    /// ASCII's capitals are small: of an address FlexFactor may write either.
    private static func folded(_ text: String) -> [UInt8] { folded(Array(text.utf8)) }
    private static func folded(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0.smallLetter } }
}
