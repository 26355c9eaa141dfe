import JSON

/// What response texts mean: a grammar of words, in the order of severity (`Tables/text-rules.json`). The first rule that a text fulfils decides.
package final class TextRules: Sendable {
    package let rules: [Rule]
    private let vocabulary: TextVocabulary
    private let patterns: [(rule: Int, pattern: TextPattern)]
    /// Which patterns can begin with a word.
    private let byOpening: [[Int]]
    /// How many words each pattern needs at least: most are longer than what is left of a short text.
    private let shortest: [Int]
    private let exceptions: [[TextPattern]]
    /// What terminals with sixteen characters a line write, and the word that they mean.
    private let abbreviations: [String: String]
    private let memory = HeardTexts()

    /// An object that never changes: decisions hand it around.
    package final class Rule: Sendable, Equatable {
        package let name: String
        package let category: DeclineCategory
        package let description: String
        package let isInsufficientFunds: Bool
        /// It says that it was declined, and not why.
        let isGeneric: Bool
        /// It says less than any code does.
        let isVague: Bool
        let examples: [String]
        let counterExamples: [String]
        let rank: Int

        init(
            name: String, category: DeclineCategory, description: String, isInsufficientFunds: Bool, isGeneric: Bool, isVague: Bool,
            examples: [String], counterExamples: [String], rank: Int
        ) {
            self.name = name
            self.category = category
            self.description = description
            self.isInsufficientFunds = isInsufficientFunds
            self.isGeneric = isGeneric
            self.isVague = isVague
            self.examples = examples
            self.counterExamples = counterExamples
            self.rank = rank
        }

        /// What counts of two things that were said.
        func orGraver(_ other: Rule?) -> Rule { other.map { $0.rank < rank ? $0 : self } ?? self }

        package static func == (one: Rule, other: Rule) -> Bool {
            one === other || one.name == other.name && one.rank == other.rank && one.category == other.category
        }
    }

    init?(file bytes: [UInt8]) {
        guard let file = try? JSONValue(parsing: bytes.span), ["title", "origin", "date"].allSatisfy({ file[$0]?.string != nil }),
            let entries = file["rules"]?.array
        else { return nil }
        var vocabulary = TextVocabulary()
        var rules: [Rule] = []
        var patterns: [(rule: Int, pattern: TextPattern)] = []
        var exceptions: [[TextPattern]] = []
        for entry in entries {
            guard let name = entry["rule"]?.string, let category = entry["category"]?.string.flatMap(DeclineCategory.init(rawValue:)),
                let description = entry["description"]?.string, let sources = entry["patterns"]?.array
            else { return nil }
            for source in sources {
                guard let pattern = source.string.flatMap({ TextPattern($0, &vocabulary) }) else { return nil }
                patterns.append((rules.count, pattern))
            }
            var unless: [TextPattern] = []
            for source in entry["unless"]?.array ?? [] {
                guard let pattern = source.string.flatMap({ TextPattern($0, &vocabulary) }) else { return nil }
                unless.append(pattern)
            }
            exceptions.append(unless)
            rules.append(
                Rule(
                    name: name, category: category, description: description,
                    isInsufficientFunds: entry["insufficientFunds"]?.bool ?? false,
                    isGeneric: entry["generic"]?.bool ?? false, isVague: entry["vague"]?.bool ?? false,
                    examples: (entry["examples"]?.array ?? []).compactMap(\.string),
                    counterExamples: (entry["not"]?.array ?? []).compactMap(\.string),
                    rank: rules.count))
        }
        if rules.count > UInt64.bitWidth { return nil }
        var abbreviations: [String: String] = [:]
        for member in file["abbreviations"]?.object ?? [] {
            for short in (member.value.string ?? "").split(separator: " ") { abbreviations[String(short)] = member.name }
        }
        self.abbreviations = abbreviations
        var byOpening = [[Int]](repeating: [], count: Int(vocabulary.count))
        for (index, entry) in patterns.enumerated() {
            for atom in Set(entry.pattern.openings) { byOpening[Int(atom)].append(index) }
        }
        self.rules = rules
        self.vocabulary = vocabulary
        self.patterns = patterns
        self.byOpening = byOpening
        shortest = patterns.map(\.pattern.shortest)
        self.exceptions = exceptions
    }

    package func rule(for text: String) -> Rule? { heard(text).rule }

    /// What words say that stand where a code belongs: as they stand, where the text beside them says something of its own.
    func rule(inPlaceOfCode code: String, besides text: Rule?) -> Rule? {
        if text?.isGeneric ?? true { return rule(for: code) }
        return spokenRule(TextDetails.dropped(from: TextWords.withoutResults(TextWords.split(code, marksAnswers: true))))
    }

    /// The words of a text, and the rule that it fulfils.
    func heard(_ text: String) -> HeardTexts.Heard {
        memory.heard(text) { text in
            let all = TextWords.split(text, marksAnswers: true)
            let marked = TextWords.withoutResults(all)
            return HeardTexts.Heard(
                text, Self.unmarked(marked), longWords: Self.unmarked(all).filter { $0.utf8.count > 2 },
                rule(for: TextDetails.dropped(from: marked)) ?? ruleInSmallLetters(text))
        }
    }

    /// What a text says whose capitals begin no words: `dO NoT HoNoR`.
    private func ruleInSmallLetters(_ text: String) -> Rule? {
        let bytes = text.utf8.prefix(TextWords.longest)
        guard zip(bytes, bytes.dropFirst()).contains(where: { isSmall($0) && isCapital($1) }) else { return nil }
        let words = TextWords.split(String(decoding: bytes, as: UTF8.self).lowercased(), marksAnswers: true)
        return rule(for: TextDetails.dropped(from: TextWords.withoutResults(words)))
    }

    private func isSmall(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }

    private func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }

    private static func unmarked(_ words: [String]) -> [String] {
        words.contains { $0.utf8.last == 0x2E } ? words.map { $0.utf8.last == 0x2E ? String($0.dropLast()) : $0 } : words
    }

    /// The graver of what the words say as they stand, with their abbreviations written out (`DECLINE - LOST CRD`) and, where that is little
    /// and the text short, taken apart (`RETAINCARD`).
    private func rule(for words: [String]) -> Rule? {
        let said = spokenRule(words)
        guard words.count <= 4, said?.isGeneric ?? true else { return said }
        let apart = words.flatMap { vocabulary.takenApart($0) ?? [$0] }
        guard apart.count > words.count, let meant = fulfilledRule(apart) else { return said }
        return meant.orGraver(said)
    }

    private func spokenRule(_ words: [String]) -> Rule? {
        let said = fulfilledRule(words)
        let written = words.map { abbreviations[$0] ?? $0 }
        guard written != words, let meant = fulfilledRule(written) else { return said }
        return meant.orGraver(said)
    }

    private func fulfilledRule(_ words: [String]) -> Rule? {
        if words.isEmpty { return nil }
        let heard = words.map(vocabulary.hear)
        // A bit for each rule.
        var fulfilled: UInt64 = 0
        func look(for atom: Int32, at position: Int) {
            for index in byOpening[Int(atom)] where shortest[index] <= heard.count - position && fulfilled & 1 << patterns[index].rule == 0
            {
                if patterns[index].pattern.matches(heard, at: position, vocabulary) { fulfilled |= 1 << patterns[index].rule }
            }
        }
        for (position, word) in heard.enumerated() {
            if let exact = word.exact { look(for: exact, at: position) }
            for atom in word.prefixes { look(for: atom, at: position) }
        }
        while fulfilled != 0 {
            let rule = fulfilled.trailingZeroBitCount
            if !isExcepted(rule, heard) { return rules[rule] }
            fulfilled &= fulfilled - 1
        }
        return nil
    }

    private func isExcepted(_ rule: Int, _ words: [HeardWord]) -> Bool {
        exceptions[rule].contains { pattern in words.indices.contains { pattern.matches(words, at: $0, vocabulary) } }
    }
}
