import JSON

/// A code as people and programs write it, brought to one form.
enum CodeKey {
    /// As it was meant: no blanks around it, ASCII case ignored.
    static func exact(_ code: String) -> String {
        let bytes = code.utf8
        guard let first = bytes.firstIndex(where: { $0 > 0x20 }) else { return "" }
        let last = bytes.lastIndex { $0 > 0x20 } ?? first
        return String(code[first...last]).lowercased()
    }

    /// A number without what does not belong to it: `00200` and `200.0` are 200, `05` is 5.
    static func number(_ exact: String) -> String {
        var text = Substring(exact)
        if let dot = text.utf8.firstIndex(of: 0x2E), dot > text.startIndex, text[text.index(after: dot)...].utf8.allSatisfy({ $0 == 0x30 })
        {
            text = text[..<dot]
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return String(text) }
        let significant = text.drop { $0 == "0" }
        return significant.isEmpty ? "0" : String(significant)
    }

    /// The code at the head of a longer text: `05: do not honor`, `51 - declined`.
    static func leading(_ exact: String) -> String? {
        let head = exact.utf8.prefix { isLetterOrDigit($0) }
        guard (1...6).contains(head.count), head.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        let rest = exact.utf8.dropFirst(head.count).drop { $0 == 0x20 }
        guard let mark = rest.first, mark == 0x3A || mark == 0x2D || mark == 0x7C || mark == 0x2F else { return nil }
        return String(Substring(head))
    }

    /// The codes of a field that holds several, or one in brackets, in quotes or behind its name: `2|252`, `D4405,D4451`, `(252)`,
    /// `response_code=202`. None where it holds a sentence, whose numbers may be anything's.
    static func parts(_ exact: String) -> [String] {
        // -4 is no 04, but the dash before 252 is one that stands around it: negative codes are short.
        if exact.utf8.first == 0x2D, exact.utf8.count <= 3, exact.utf8.dropFirst().allSatisfy(isDigit) { return [] }
        var codes: [String] = []
        for part in exact.utf8.split(whereSeparator: separators.contains) {
            let trimmed = part.drop { !isLetterOrDigit($0) }
            guard let last = trimmed.lastIndex(where: isLetterOrDigit) else { continue }
            var word = trimmed[...last]
            // `Code 252` is written as `code=252` is.
            if let blank = word.lastIndex(of: 0x20), codeNames.contains(String(Substring(word[..<blank]))) {
                word = word[word.index(after: blank)...]
            }
            guard word.count <= 32, word.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }) else { return [] }
            if word.contains(where: { (0x30...0x39).contains($0) }) { codes.append(String(Substring(word))) }
        }
        return codes
    }

    private static let codeNames: Set<String> = ["code", "error code", "reason code", "response code", "response_code"]

    private static let separators = Set(",/|=:;&-".utf8)

    static func isLetterOrDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// A network's code that stands in a text beside its meaning: `DECLINE: 05`, `51 - DECLINED`, `R: 51`, `Refused | 01: Refer to issuer`;
    /// or with no word beside it but the trade's: `Declined (43)`, `RC=51`, `Network:Visa|IssuerCode:43`.
    static func inText(_ text: String) -> String? {
        let bytes = Array(text.utf8.prefix(200))
        return besideItsMeaning(bytes) ?? (text.utf8.count <= 200 ? amongTradeWords(bytes) : nil)
    }

    private static func besideItsMeaning(_ bytes: [UInt8]) -> String? {
        var at = 0
        var index = 0
        var before: UInt8 = 0
        var leader: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at] | 0x20
            guard isLetterOrDigit(byte) else {
                if bytes[at] > 0x20 { before = bytes[at] }
                at += 1
                continue
            }
            let start = at
            while at < bytes.count, isLetterOrDigit(bytes[at] | 0x20) { at += 1 }
            var next = at
            while next < bytes.count, bytes[next] <= 0x20 { next += 1 }
            let after: UInt8 = next < bytes.count ? bytes[next] : 0
            if at - start == 2, isCode(bytes[start], bytes[start + 1]), !isMeasure(start..<at, bytes) {
                let isFollowed = after == 0x3A || after == 0x29 || after == 0x2D || after == 0x7C
                let isLed = index == 1 && leaders.contains(leader)
                let leads = index == 0 || isLed
                // `R: 51` is a response; `R-29` is a return of ACH's.
                let isLedByLetter = index == 1 && leader == [0x72] && before == 0x3A
                let ends = after == 0 && (isLed && (before == 0x3A || before == 0x2D || before == 0x23) || isLedByLetter)
                if isFollowed && (leads || before == 0x7C) && next + 1 < bytes.count || ends {
                    return String(decoding: bytes[start..<at], as: UTF8.self)
                }
            }
            leader = bytes[start..<at].map { $0 | 0x20 }
            index += 1
            before = 0
        }
        return nil
    }

    /// The only code of a text whose other words say nothing of their own.
    private static func amongTradeWords(_ bytes: [UInt8]) -> String? {
        var code: ArraySlice<UInt8>?
        var words: [String] = []
        var isResult = false
        for whole in bytes.split(whereSeparator: { !isLetterOrDigit($0 | 0x20) }) {
            let part = withoutName(whole)
            // `AVS:Y` is no reason.
            if isResult {
                guard part.count == 1, !isDigit(part[part.startIndex]) else { return nil }
                isResult = false
                continue
            }
            if isOfNetworks(part) {
                // `Payment 43` is the forty-third.
                if code != nil || words.last.map(counted.contains) ?? false || isMeasure(part.indices, bytes) { return nil }
                code = part
            } else {
                let word = String(decoding: part.map { $0.smallLetter }, as: UTF8.self)
                isResult = TextWords.results.contains(word)
                if isResult { continue }
                guard tradeWords.contains(word) else { return nil }
                words.append(word)
            }
        }
        // `Error 43` and `Code 43` may be anybody's numbers.
        if isResult || words == ["error"] || words == ["code"] { return nil }
        // Who rejects may be the source itself, by a number of its own.
        if words.contains("rejected"), !words.contains("issuer"), !words.contains("bank") { return nil }
        return code.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A time, a date, an amount, a negative number or the beginning of a longer one: `07:43`, `04-12-2026`, `04-Nov-2026`, `$43`, `43%`, `-43`.
    static func isMeasure(_ word: Range<Int>, _ bytes: [UInt8]) -> Bool {
        let (start, end) = (word.lowerBound, word.upperBound)
        if start > 0 {
            let (before, second) = (bytes[start - 1], start > 1 ? bytes[start - 2] : 0)
            // Dollars; pounds and yen; euros and other signs of three bytes.
            if before == 0x24 || second == 0xC2 && (0xA2...0xA5).contains(before) { return true }
            if second == 0x82, start > 2, bytes[start - 3] == 0xE2 { return true }
            if before == 0x2D, start == 1 || second == 0x3D || second == 0x3A { return true }
        }
        guard end < bytes.count else { return false }
        if bytes[end] == 0x25 { return true }
        guard bytes[end] == 0x3A || bytes[end] == 0x2D, end + 1 < bytes.count else { return false }
        if isDigit(bytes[end + 1]) { return true }
        guard bytes[end] == 0x2D, end + 5 < bytes.count, isDigit(bytes[end + 5]), !isLetterOrDigit(bytes[end + 4] | 0x20) else {
            return false
        }
        return months.contains(String(decoding: bytes[end + 1...end + 3].map { $0.smallLetter }, as: UTF8.self))
    }

    private static let months: Set<String> = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// `RC51` and `ISO51` are 51.
    private static func withoutName(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let name = part.dropLast(2).map { $0 | 0x20 }
        return name == Array("rc".utf8) || name == Array("iso".utf8) ? part.suffix(2) : part
    }

    /// Two digits. Of letters only those that networks use: `A1 DECLINED` is somebody's own.
    static func isOfNetworks(_ part: ArraySlice<UInt8>) -> Bool {
        part.count == 2 && (part.allSatisfy(isDigit) || networkLetters.contains(Array(part)))
    }

    private static let counted: Set<String> = [
        "acquirer", "authorisation", "authorization", "card", "charge", "debit", "gateway", "payment", "processor", "purchase", "recurring",
        "sale", "transaction",
    ]

    private static let networkLetters: Set<[UInt8]> = Set(["R0", "R1", "R3", "N7", "1A"].map { Array($0.utf8) })

    private static let tradeWords: Set<String> = [
        "acquirer", "auth", "authorisation", "authorization", "bank", "by", "card", "charge", "code", "debit", "decl", "decline",
        "declined", "denied", "discover", "do", "error", "gateway", "generic", "hard", "honor", "honour", "host", "iso", "iso8583",
        "issuer", "issuercode", "issuing", "mastercard", "mc", "network", "networkcode", "not", "original", "payment", "processor",
        "purchase", "raw", "rc", "reason", "recurring", "refused", "rejected", "resp", "respcode", "response", "responsecode", "sale",
        "soft", "the", "transaction", "vi", "visa", "was", "with", "your",
    ]

    private static let leaders: Set<[UInt8]> = Set(
        ["decline", "declined", "error", "refused", "response", "resp", "code", "auth", "reason", "failed"].map { Array($0.utf8) })

    /// Two digits, or a capital letter and a digit.
    private static func isCode(_ first: UInt8, _ second: UInt8) -> Bool {
        let digits = 0x30...0x39 as ClosedRange<UInt8>
        let capitals = 0x41...0x5A as ClosedRange<UInt8>
        return digits.contains(first) && (digits.contains(second) || capitals.contains(second))
            || capitals.contains(first) && digits.contains(second)
    }
}
