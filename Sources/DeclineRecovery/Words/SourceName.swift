/// Whose codes they are, as people write it: case, blanks, punctuation and words of the trade do not matter.
enum SourceName {
    /// Letters and digits, lower case: what an alias is compared by.
    static func key(_ name: String) -> String {
        // Most are written so already.
        if name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) { return name }
        return TextWords.split(name, dropsResults: false).joined()
    }

    /// What a spelling may stand for, the most exact first.
    ///
    /// A name is never shortened to what only looks alike: words are dropped only from a fixed list of the trade's, and what is left must be an
    /// alias that some table claims.
    static func keys(of spelling: String) -> [String] {
        var keys = [key(spelling)]
        func add(_ words: [String]) {
            let key = words.joined()
            if !key.isEmpty, !keys.contains(key) { keys.append(key) }
        }
        let (outside, inside) = parenthesised(spelling)
        for part in outside == spelling ? [spelling] : [spelling, outside, inside] {
            let words = TextWords.split(part, dropsResults: false)
            add(words)
            var shorter = words
            while shorter.count > 1, let last = shorter.last, isOfTheTrade(last) {
                shorter.removeLast()
                add(shorter)
            }
            add(words.filter { !isOfTheTrade($0) })
        }
        // A gateway and which of them it is, or who resells it: `NMI - Store A`, `EMS/NMI`. A part is an alias as it stands, or nothing.
        for part in spelling.replacing(" - ", with: "/").split(separator: "/") where part.utf8.count < spelling.utf8.count {
            let words = TextWords.split(String(part), dropsResults: false)
            if !words.allSatisfy(isOfTheTrade) { add(words) }
        }
        return keys
    }

    private static func isOfTheTrade(_ word: String) -> Bool {
        trade.contains(word) || word.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func parenthesised(_ text: String) -> (outside: String, inside: String) {
        guard text.utf8.contains(0x28) else { return (text, "") }
        var outside = ""
        var inside = ""
        var depth = 0
        for character in text {
            switch character {
            case "(": depth += 1
            case ")": depth = max(0, depth - 1)
            default: if depth == 0 { outside.append(character) } else { inside.append(character) }
            }
        }
        return (outside, inside)
    }

    private static let trade: Set<String> = [
        "gateway", "gateways", "gw", "direct", "post", "cim", "aim", "sim", "arb", "dpm", "payment", "payments", "intents", "intent", "pay",
        "processing",
        "processor", "acquiring", "api", "rest", "soap", "xml", "json", "inc", "llc", "ltd", "limited", "corp", "corporation", "gmbh", "bv",
        "sa", "plc",
        "company", "com", "net", "io", "the", "v1", "v2", "v3", "v4", "v5", "connect", "hosted", "checkout", "us", "usa", "uk", "eu", "ca",
        "canada", "au",
        "latam", "europe", "global", "international", "platform", "service", "services", "merchant", "account", "live", "sandbox", "test",
        "production",
        "prod", "recurring", "billing", "vault", "tokenization", "js", "sdk", "new", "old", "legacy", "advanced", "online", "ecommerce",
        "ecom", "formerly",
        "via", "raw", "response", "code", "codes", "card", "cards", "credit", "network", "group", "solutions", "technologies",
        "transaction", "transactions",
        "server", "integration", "plugin", "driver", "primary", "backup", "mid",
    ]
}
