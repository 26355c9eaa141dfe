/// Finds the values of what is named as a security code, a card number, a token or a key, in texts of any notation: `cvv=737`, `cvv: 737`,
/// `"cvv": "737"`, `<cvv>737</cvv>`, `name="cvv" value="737"`, `card[cvv]=737`.
///
/// A name is a word; behind it come marks of which one binds, and then the value to its own end. Each word is looked at by itself, so that
/// broken surroundings hide nothing, and only a bounded stretch behind it, so that the work grows as the text.
struct NamedSecretSearch {
    private let values: [UInt32]
    /// A text within a message, where a sentence may say "CVV: no match": only what looks like a code counts. In a body that nobody can read
    /// rather too much goes than too little.
    private let isStrict: Bool

    init(_ text: ScannedText, isStrict: Bool) {
        values = text.values
        self.isStrict = isStrict
    }

    func secrets() -> [(range: Range<Int>, name: SecretName)] {
        var found: [(range: Range<Int>, name: SecretName)] = []
        var position = 0
        while position < values.count {
            guard Self.isWord(values[position]) else {
                position += 1
                continue
            }
            var end = position
            while end < values.count, Self.isWord(values[end]) { end += 1 }
            if end - position <= 48, let name = SecretName(plain: SecretName.plain(values[position..<end])),
                let start = value(behind: end, from: position),
                counts(start, name)
            {
                let value = start..<wholeEnd(of: start)
                found.append((value, name))
                // What stands in the value goes with it.
                end = max(end, value.upperBound)
            }
            position = end
        }
        return found
    }

    private static func isWord(_ value: UInt32) -> Bool {
        switch value {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0xFF10...0xFF19, 0xFF21...0xFF3A, 0xFF41...0xFF5A: true
        default: false
        }
    }

    private func at(_ position: Int) -> UInt32 { position < values.count ? values[position] : 0 }

    private func isBlank(_ position: Int) -> Bool {
        switch at(position) {
        case 0x20, 0x09, 0x0A, 0x0D, 0xA0: true
        default: false
        }
    }

    private func isQuote(_ position: Int) -> Bool {
        switch at(position) {
        case 0x22, 0x27, 0x60: true
        default: false
        }
    }

    /// A backslash, or a bracket that opens or closes.
    private func isBracket(_ position: Int, _ brackets: UInt32...) -> Bool { brackets.contains(at(position)) }

    private func skipBlanks(_ position: inout Int) {
        let limit = position + 64
        while position < limit, isBlank(position) { position += 1 }
    }

    /// Where the value begins that is bound to a name.
    private func value(behind end: Int, from start: Int) -> Int? {
        var position = end
        // What closes the name: a quotation mark that may be escaped, a bracket.
        var closers = 0
        while closers < 6, isQuote(position) || isBracket(position, 0x5C, 0x5D, 0x29, 0x2A) {
            position += 1
            closers += 1
        }
        let isQuoted = closers > 0
        let afterName = position
        skipBlanks(&position)
        switch at(position) {
        case 0x3A, 0x3D:  // : =
            position += 1
            if at(position) == 0x3E || at(position) == 0x3D { position += 1 }
            return value(at: position)
        case 0x3E where start > 0 && (values[start - 1] == 0x3C || values[start - 1] == 0x3A) || isQuoted:  // <name>, name="name">
            return value(at: position + 1)
        case 0x2C where isQuoted, 0x3B where isQuoted:  // "name": "cvv", "value": "737"
            position += 1
            skipBlanks(&position)
            return pairedValue(at: position)
        default: break
        }
        if isQuoted, isBlank(afterName) {
            // name="cvv" and an empty line, as in multipart; or another attribute.
            if at(afterName) == 0x0D || at(afterName) == 0x0A { return value(at: position) }
            return pairedValue(at: position)
        }
        // <cvv attribute="...">
        if start > 0, values[start - 1] == 0x3C || values[start - 1] == 0x3A, isBlank(afterName) {
            let limit = min(position + 200, values.count)
            while position < limit, values[position] != 0x3E { position += 1 }
            return position < limit ? value(at: position + 1) : nil
        }
        return nil
    }

    /// `value="737"`, `"value": "737"` behind a name that stood as a value itself.
    private func pairedValue(at start: Int) -> Int? {
        var position = start
        if at(position) == 0x5C { position += 1 }
        if isQuote(position) { position += 1 }
        let word = position
        while position < word + 12, position < values.count, Self.isWord(values[position]) { position += 1 }
        guard word < position,
            ["value", "val", "v", "text", "content"].contains(String(decoding: SecretName.plain(values[word..<position]), as: UTF8.self))
        else {
            return nil
        }
        if at(position) == 0x5C { position += 1 }
        if isQuote(position) { position += 1 }
        skipBlanks(&position)
        guard isBracket(position, 0x3A, 0x3D, 0x3E) else { return nil }
        return value(at: position + 1)
    }

    private func value(at start: Int) -> Int? {
        var position = start
        skipBlanks(&position)
        // YAML's block marks, and the character data of XML.
        if at(position) == 0x7C || at(position) == 0x3E {
            position += 1
            if at(position) == 0x2D { position += 1 }
            skipBlanks(&position)
        }
        if at(position) == 0x3C, at(position + 1) == 0x21, at(position + 2) == 0x5B {
            var index = position + 3
            while index < position + 12, index < values.count, values[index] != 0x5B { index += 1 }
            position = index + 1
        }
        while isBracket(position, 0x5C, 0x5B, 0x28, 0x7B), position < start + 100 { position += 1 }
        skipBlanks(&position)
        if isQuote(position) { position += 1 }
        return position < values.count && !ends(position, of: position) ? position : nil
    }

    /// Whether a value that begins at a place has ended at another: at its quotation mark, or at what can follow one that has none.
    private func ends(_ position: Int, of start: Int) -> Bool {
        if start > 0, isQuote(start - 1) { return values[position] == values[start - 1] || values[position] == 0x5C }
        switch values[position] {
        case 0x20, 0x09, 0x0A, 0x0D, 0xA0, 0x26, 0x3B, 0x2C, 0x3C, 0x3E, 0x7D, 0x5D, 0x29, 0x22, 0x27: return true
        default: return false
        }
    }

    /// The end of a value, as far as is looked for whether it is one.
    private func nearEnd(of start: Int) -> Int {
        let limit = min(start + 48, values.count)
        var end = start
        while end < limit, !ends(end, of: start) { end += 1 }
        return end
    }

    /// Its end however far it is. What has none goes to the end.
    private func wholeEnd(of start: Int) -> Int {
        var end = nearEnd(of: start)
        while end < values.count, !ends(end, of: start) { end += 1 }
        return end
    }

    private func counts(_ start: Int, _ name: SecretName) -> Bool {
        let value = values[start..<nearEnd(of: start)]
        // Nothing, and what was taken out before.
        if Self.says(value, Self.nothing, whole: true) || Self.says(value, Self.marks, whole: false) { return false }
        let digits = value.count {
            (0x30...0x39).contains($0) || (0xFF10...0xFF19).contains($0)
                || $0 > 0x600 && Unicode.Scalar($0)?.properties.numericType == .decimal
        }
        switch name {
        case .securityCode: return isStrict ? (3...12).contains(digits) && value.count <= digits + 4 : true
        case .cardNumber: return CardDataGuard.mayBeCardNumber(digits: digits, of: value.count)
        case .token, .secret: return !isStrict || value.count >= 8 && digits > 0
        }
    }

    private static func says(_ value: ArraySlice<UInt32>, _ words: [[UInt32]], whole: Bool) -> Bool {
        words.contains { word in
            value.count >= word.count && (!whole || value.count == word.count)
                && zip(value, word).allSatisfy { $0 == $1 || $0 | 0x20 == $1 && $1 >= 0x61 }
        }
    }

    private static let nothing = ["null", "none", "nil", "true", "false", "undefined"].map { $0.unicodeScalars.map(\.value) }
    /// How our own marks begin, their bracket passed over.
    private static let marks = ["card number", "security co", "card token", "secret remo"].map { $0.unicodeScalars.map(\.value) }
}
