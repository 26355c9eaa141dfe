import JSON

/// A network's code that a text names as one, whatever else it says: `rc=43`, `original_response_code: 43`, `"network_decline_code":"43"`, `DE39=05`.
struct NamedCode {
    let code: String
    /// The name says that it is the network's; a bare `response_code` may be anybody's.
    let isOfNetwork: Bool

    /// All of a text, in their order.
    ///
    /// - Parameter hearsRC: whether `rc` is a response code: beside words of a machine it is the machine's own (`timeout, rc=04`).
    static func find(in bytes: [UInt8], hearsRC: Bool) -> [NamedCode] {
        var all: [NamedCode] = []
        var (third, second, last) = (0..<0, 0..<0, 0..<0)
        var at = 0
        while at < bytes.count {
            guard CodeKey.isLetterOrDigit(bytes[at] | 0x20) else {
                at += 1
                continue
            }
            let start = at
            while at < bytes.count, CodeKey.isLetterOrDigit(bytes[at] | 0x20) { at += 1 }
            let word = start..<at
            if word.count == 2, !last.isEmpty, CodeKey.isOfNetworks(bytes[word]), isValue(word, of: last, bytes),
                let isOfNetwork = names(third, second, last, bytes, hearsRC)
            {
                let found = NamedCode(code: String(decoding: bytes[word], as: UTF8.self), isOfNetwork: isOfNetwork)
                // That it was approved the text of a decline cannot mean.
                if found.code != "00" { all.append(found) }
            }
            (third, second, last) = (second, last, word)
        }
        return all
    }

    /// Whether only marks stand between a name and its value, and nothing behind that makes it a part of something longer.
    private static func isValue(_ word: Range<Int>, of name: Range<Int>, _ bytes: [UInt8]) -> Bool {
        let between = bytes[name.upperBound..<word.lowerBound]
        guard between.count <= 6, between.allSatisfy(marks.contains) else { return false }
        // A minus: `rc=-43`, `rc: -43`.
        if between.last == 0x2D, between.dropLast().contains(where: { $0 > 0x20 }) { return false }
        guard word.upperBound < bytes.count else { return true }
        if CodeKey.isMeasure(word, bytes) { return false }
        let isPart =
            ".,/".utf8.contains(bytes[word.upperBound]) && word.upperBound + 1 < bytes.count && CodeKey.isDigit(bytes[word.upperBound + 1])
        return !isPart && bytes[word.upperBound] != 0x25 && bytes[word.upperBound] != 0x5F
    }

    /// Whether the name that ends in `last` is a network's code's; `nil` where it is no code's.
    private static func names(_ third: Range<Int>, _ second: Range<Int>, _ last: Range<Int>, _ bytes: [UInt8], _ hearsRC: Bool) -> Bool? {
        let word = small(last, bytes)
        if word == "rc" { return hearsRC ? true : nil }
        if whole.contains(word) { return true }
        if word == "responsecode" || word == "respcode" { return false }
        guard isJoined(second, last, bytes) else { return nil }
        let before = small(second, bytes)
        if word == "39" { return fields.contains(before) ? true : nil }
        guard word == "code" else { return nil }
        switch before {
        case "issuer", "network": return true
        case "response", "resp", "decline":
            let isOwned = isJoined(third, second, bytes) && owners.contains(small(third, bytes))
            return isOwned ? true : before == "decline" ? nil : false
        default: return nil
        }
    }

    /// `response code`, `response_code`, `response.code` and `response-code` are one name.
    private static func isJoined(_ word: Range<Int>, _ next: Range<Int>, _ bytes: [UInt8]) -> Bool {
        guard !word.isEmpty, next.lowerBound == word.upperBound + 1 else { return false }
        let mark = bytes[word.upperBound]
        return mark == 0x20 || mark == 0x5F || mark == 0x2E || mark == 0x2D
    }

    private static func small(_ word: Range<Int>, _ bytes: [UInt8]) -> String {
        // No name is longer.
        word.count <= 24 ? String(decoding: bytes[word].map { $0.smallLetter }, as: UTF8.self) : ""
    }

    private static let marks = Set(" \t:=-#([{\"'\\>".utf8)

    private static let owners: Set<String> = ["acquirer", "bank", "host", "issuer", "network", "original", "processor", "raw"]

    private static let fields: Set<String> = ["bit", "de", "field"]

    private static let whole: Set<String> = [
        "acquirerresponsecode", "bankresponsecode", "bit39", "de39", "f39", "field39", "hostresponsecode", "issuercode",
        "issuerdeclinecode", "issuerresponsecode", "networkcode", "networkdeclinecode", "networkresponsecode", "originalresponsecode",
        "processorresponsecode", "rawresponsecode",
    ]
}
