/// A sequence of words that a text may hold. Written as in `Tables/text-rules.json`: words stand one after the other, `a|b` is either, `word*` any
/// word that begins so, `word?` may be missing, `..` is a gap of up to three words and `...` of up to sixteen, `^` and `$` are the ends of the text.
/// Characters that are words by themselves may stand together: `余额不足`.
struct TextPattern: Sendable {
    enum Element: Sendable {
        case one([Int32])
        case maybe([Int32])
        case gap(Int)
    }

    let elements: [Element]
    let isAtStart: Bool
    let isAtEnd: Bool
    /// It says no by itself, so that a "not" before it does not turn it around.
    let isNegative: Bool

    init?(_ source: String, _ vocabulary: inout TextVocabulary) {
        var elements: [Element] = []
        var isAtStart = false
        var isAtEnd = false
        for token in source.split(separator: " ") {
            switch token {
            case "^": isAtStart = true
            case "$": isAtEnd = true
            case "..": elements.append(.gap(3))
            case "...": elements.append(.gap(16))
            default:
                // Who writes without blanks has a word for each character.
                if let first = token.unicodeScalars.first, first.value >= 0xE00, !token.utf8.contains(where: Self.isSign) {
                    elements += TextWords.split(String(token)).map { Element.one([vocabulary.atom($0)]) }
                    continue
                }
                let isOptional = token.hasSuffix("?")
                let words = (isOptional ? token.dropLast() : token).split(separator: "|").map { vocabulary.atom(String($0)) }
                if words.isEmpty { return nil }
                elements.append(isOptional ? .maybe(words) : .one(words))
            }
        }
        guard let first = elements.first, elements.contains(where: { if case .one = $0 { true } else { false } }) else { return nil }
        switch first {
        case .one(let words): isNegative = words.contains { vocabulary.negations.contains($0) || vocabulary.prohibitions.contains($0) }
        case .maybe: isNegative = false
        case .gap: return nil
        }
        self.elements = elements
        self.isAtStart = isAtStart
        self.isAtEnd = isAtEnd
    }

    /// `|`, `?` and `*`, which stand for others.
    private static func isSign(_ byte: UInt8) -> Bool { byte == 0x7C || byte == 0x3F || byte == 0x2A }

    /// The words that it can begin with.
    var openings: [Int32] {
        var openings: [Int32] = []
        for element in elements {
            switch element {
            case .one(let words): return openings + words
            case .maybe(let words): openings += words
            case .gap: return openings
            }
        }
        return openings
    }

    /// How many words it takes at least.
    var shortest: Int { elements.count { if case .one = $0 { true } else { false } } }

    func matches(_ words: [HeardWord], at position: Int, _ vocabulary: TextVocabulary) -> Bool {
        if isAtStart, position > 0 { return false }
        guard matches(words, at: position, from: 0) else { return false }
        if isNegative || position == 0 { return true }
        if words[position - 1].isAny(of: vocabulary.negations) {
            // `Approved no (stolen card)` answers a question with its no.
            return words[position - 1].isAnswer
                || position > 1 && words[position - 1].isAny(of: vocabulary.answers) && words[position - 2].isAny(of: vocabulary.questions)
        }
        return position == 1 || !words[position - 1].isAny(of: vocabulary.fillers) || words[position - 2].isAnswer
            || !words[position - 2].isAny(of: vocabulary.negations)
    }

    private func matches(_ words: [HeardWord], at position: Int, from index: Int) -> Bool {
        guard index < elements.count else { return !isAtEnd || position == words.count }
        switch elements[index] {
        case .one(let wanted):
            return position < words.count && words[position].isAny(of: wanted) && matches(words, at: position + 1, from: index + 1)
        case .maybe(let wanted):
            if matches(words, at: position, from: index + 1) { return true }
            return position < words.count && words[position].isAny(of: wanted) && matches(words, at: position + 1, from: index + 1)
        case .gap(let longest):
            let end = min(position + longest, words.count)
            return position <= end && (position...end).contains { matches(words, at: $0, from: index + 1) }
        }
    }
}

/// A word of a text, as the patterns know it.
struct HeardWord: Sendable {
    let exact: Int32?
    let prefixes: [Int32]
    /// It denies, and not what comes behind it (`TextWords.split`).
    let isAnswer: Bool

    func isAny(of atoms: [Int32]) -> Bool {
        if let exact, atoms.contains(exact) { return true }
        return prefixes.contains { atoms.contains($0) }
    }
}

/// Every word and every beginning of a word that some pattern asks for, by number.
struct TextVocabulary: Sendable {
    private var exact: [String: Int32] = [:]
    private var prefixes: [(text: String, atom: Int32)] = []
    private var prefixesByLetter: [UInt8: [Int]] = [:]
    private(set) var count: Int32 = 0
    private(set) var negations: [Int32] = []
    private(set) var prohibitions: [Int32] = []
    /// What may stand between a "not" and what it denies.
    private(set) var fillers: [Int32] = []
    /// A "no" that answers one of the questions denies nothing of what comes after it.
    private(set) var answers: [Int32] = []
    private(set) var questions: [Int32] = []

    init() {
        negations = TextWords.denials.map { atom($0) }
        prohibitions = ["do", "dont", "cannot", "cant"].map { atom($0) }
        answers = ["no", "нет"].map { atom($0) }
        questions = ["approved", "authorized", "authorised", "success", "successful", "retry", "retryable", "retriable", "present"].map {
            atom($0)
        }
        fillers = ["reported", "been", "be", "yet", "a", "an", "the", "any", "currently", "flagged"].map { atom($0) }
    }

    mutating func atom(_ word: String) -> Int32 {
        if word.hasSuffix("*") {
            let text = String(word.dropLast())
            if let known = prefixes.first(where: { $0.text == text }) { return known.atom }
            prefixesByLetter[text.utf8.first ?? 0, default: []].append(prefixes.count)
            prefixes.append((text, count))
        } else {
            if let known = exact[word] { return known }
            exact[word] = count
        }
        defer { count += 1 }
        return count
    }

    /// The fewest words of the patterns that a word without blanks is made of: `RETAINCARD`. `nil` for a word that some pattern asks for, and
    /// for one that is not made of such words alone.
    func takenApart(_ word: String) -> [String]? {
        let letters = Array(word.utf8)
        guard (8...64).contains(letters.count), letters.allSatisfy({ (0x61...0x7A).contains($0) }), exact[word] == nil else { return nil }
        // How many words end at a letter, and where the last of them begins.
        var ends = [(words: Int, start: Int)?](repeating: nil, count: letters.count + 1)
        ends[0] = (words: 0, start: 0)
        for end in 2...letters.count {
            for start in max(0, end - Self.longest)...end - 2 {
                guard let before = ends[start], before.words + 1 < ends[end]?.words ?? Int.max else { continue }
                let part = String(decoding: letters[start..<end], as: UTF8.self)
                if part.utf8.count > 2 ? exact[part] != nil : Self.joining.contains(part) {
                    ends[end] = (words: before.words + 1, start: start)
                }
            }
        }
        var parts: [String] = []
        var end = letters.count
        while end > 0 {
            guard let start = ends[end]?.start else { return nil }
            parts.append(String(decoding: letters[start..<end], as: UTF8.self))
            end = start
        }
        return parts.reversed()
    }

    /// No word of a pattern that people run together with others is longer.
    private static let longest = 24

    /// Of two letters only these are words that stand among others; any other two are a part of something longer.
    private static let joining: Set<String> = ["at", "by", "do", "id", "in", "is", "no", "of", "on", "or", "to", "up"]

    func hear(_ word: String) -> HeardWord {
        let isAnswer = word.utf8.last == 0x2E
        let bare = isAnswer ? String(word.dropLast()) : word
        let candidates = prefixesByLetter[bare.utf8.first ?? 0] ?? []
        return HeardWord(
            exact: exact[bare], prefixes: candidates.filter { bare.hasPrefix(prefixes[$0].text) }.map { prefixes[$0].atom },
            isAnswer: isAnswer)
    }
}
