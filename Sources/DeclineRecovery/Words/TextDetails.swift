/// What a decline tells of its card and its checks beside the reason: `cvc_check: pass`, `exp_month=12`, `fraud: false`, `AVS not supported`.
enum TextDetails {
    /// The words without them. A text that does not say that it was declined may mean nothing else, and keeps them.
    static func dropped(from words: [String]) -> [String] {
        guard words.contains(where: { TextWords.results.contains($0) || names.contains($0) }),
            words.contains(where: { $0.hasPrefix("declin") || $0.hasPrefix("honor") || $0.hasPrefix("honour") })
        else { return words }
        var kept: [String] = []
        var at = 0
        while at < words.count {
            if let end = detailEnd(words, from: at), !isFault(words, at - 1), !isFault(words, end) {
                at = end
            } else {
                kept.append(words[at])
                at += 1
            }
        }
        return kept
    }

    /// Where a detail that begins at a word ends; `nil` where none does.
    private static func detailEnd(_ words: [String], from at: Int) -> Int? {
        func word(_ index: Int) -> String { index < words.count ? words[index] : "" }
        let name = words[at]
        var value = at + 1
        if TextWords.results.contains(name) || name == "fraud" {
            while value < at + 3, qualifiers.contains(word(value)) { value += 1 }
            let said = word(value)
            if name == "fraud" { return said == "false" || said == "none" || passed.contains(said) ? value + 1 : nil }
            if passed.contains(said) || unmade.contains(said) || said.utf8.count == 1 && said != "2" { return value + 1 }
            return said == "not" && notMade.contains(word(value + 1)) ? value + 2 : nil
        }
        switch name {
        case "address":
            guard ["zip", "line1", "postal"].contains(word(value)) else { return nil }
            value += word(value + 1) == "code" ? 2 : 1
            let said = word(value + 1)
            return word(value) == "check" && (passed.contains(said) || unmade.contains(said)) ? value + 2 : nil
        case "3ds", "3dsecure": return word(value) == "y" || word(value) == "null" ? value + 1 : nil
        case "three": return word(value) == "d" && word(value + 1) == "secure" && word(value + 2) == "null" ? value + 3 : nil
        case "exp": return ["month", "year"].contains(word(value)) && isNumber(word(value + 1)) ? value + 2 : nil
        case "expiry", "expiration", "expires":
            if word(value) == "date" { value += 1 }
            guard isNumber(word(value)) else { return nil }
            return isNumber(word(value + 1)) ? value + 2 : value + 1
        case "zip", "zipcode", "postcode": return isNumber(word(value)) ? value + 1 : nil
        default: return nil
        }
    }

    private static func isFault(_ words: [String], _ index: Int) -> Bool { words.indices.contains(index) && faults.contains(words[index]) }

    private static func isNumber(_ word: String) -> Bool { !word.isEmpty && word.utf8.allSatisfy { (0x30...0x39).contains($0) } }

    private static let names: Set<String> = [
        "3ds", "3dsecure", "address", "exp", "expiration", "expires", "expiry", "fraud", "postcode", "three", "zip", "zipcode",
    ]

    private static let qualifiers: Set<String> = ["check", "code", "response", "result", "status"]

    private static let passed: Set<String> = ["accept", "null", "pass", "passed"]

    private static let unmade: Set<String> = ["unavailable", "unchecked"]

    /// A check that could not be made is no mismatch; one that was not provided for is.
    private static let notMade: Set<String> = ["available", "certified", "processed", "supported"]

    private static let faults: Set<String> = [
        "bad", "fail", "failed", "failure", "incorrect", "invalid", "mismatch", "missing", "no", "not", "required", "wrong",
    ]
}
