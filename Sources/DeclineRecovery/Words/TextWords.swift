import JSON

/// The words of a text that a gateway or a person wrote: lower case, without accents, HTML and URL encodings undone, results that are no reasons
/// (`AVS:Y CVV:M`) left out. Cyrillic, Greek, Hebrew, Arabic and Devanagari words are words; who writes without blanks (Chinese, Japanese, Thai)
/// or joins what means (Korean) gets a word for each character, which patterns then take one after the other.
enum TextWords {
    /// Nobody writes a reason longer than this, and whatever follows is not worth its cost.
    static let longest = 1_024

    static func split(_ text: String, dropsResults: Bool = true) -> [String] {
        let words = split(text, marksAnswers: false)
        return dropsResults ? withoutResults(words) : words
    }

    /// With `marksAnswers`, a "no" that answers a question, or ends its clause, keeps a full stop, since it denies nothing of what comes behind it:
    /// `Recurring: no. Lost card`.
    static func split(_ text: String, marksAnswers: Bool) -> [String] {
        var bytes = Array(text.utf8.prefix(longest))
        if bytes.contains(0x25) { bytes = bytes.percentDecoded(keepingOthers: true) ?? bytes }
        if bytes.contains(0x26) { bytes = entitiesDecoded(bytes) }
        if bytes.contains(0x5C) { bytes = escapesDecoded(bytes) }
        if bytes.contains(where: { $0 >= 0x80 }) { bytes = decodedOnceMore(bytes) }
        var words: [String] = []
        var word: [UInt8] = []
        var endsLower = false
        /// A colon or an equals sign stands before the next word.
        var isAsked = false
        var separator: UInt32 = 0
        func flush() {
            endsLower = false
            if word.isEmpty { return }
            words.append(String(decoding: word, as: UTF8.self))
            word.removeAll(keepingCapacity: true)
            if isAsked, marksAnswers, let last = words.last, answers.contains(last) { words[words.count - 1] = last + "." }
            isAsked = false
            separator = 0
        }
        func separate(_ value: UInt32) {
            flush()
            if !marksAnswers { return }
            if value == 0x3A || value == 0x3D { isAsked = true }
            // A hyphen joins two words, unless a blank stands beside it.
            let isDash = value == 0x2D && separator == 0x20 || value == 0x20 && separator == 0x2D
            separator = value
            guard isDash || ends.contains(value), let last = words.last, denials.contains(last) else { return }
            words[words.count - 1] = last + "."
        }
        /// A letter of two bytes.
        func spell(_ letter: UInt32) {
            word += [0xC0 | UInt8(letter >> 6), 0x80 | UInt8(letter & 0x3F)]
            endsLower = false
        }
        func hear(_ value: UInt32) {
            switch value {
            case 0x61...0x7A:
                word.append(UInt8(value))
                endsLower = true
            case 0x41...0x5A:
                // DoNotHonor is three words.
                if endsLower { flush() }
                word.append(UInt8(value) | 0x20)
            case 0x30...0x39:
                word.append(UInt8(value))
                endsLower = false
            case 0x27, 0x60, 0xB4, 0x2018, 0x2019, 0x300...0x36F: break
            // Not seen, and inside words that were copied from a page: a soft hyphen, a blank without width, a joiner, a byte order mark.
            case 0xAD, 0x200B, 0x2060, 0xFEFF: break
            case 0xC0...0x17F:
                let folded = letters[Int(value - 0xC0)]
                if folded == 0x2A {
                    word += value == 0xDF ? [0x73, 0x73] : [0x61, 0x65]
                } else if folded == 0x20 {
                    flush()
                } else {
                    word.append(folded)
                }
                endsLower = false
            case 0x400...0x45F:
                // Capitals stand 32 or, before A, 80 below their small letters; ё is written е as often.
                let small = value < 0x410 ? value + 0x50 : value < 0x430 ? value + 0x20 : value
                spell(small == 0x451 ? 0x435 : small)
            case 0x1A0, 0x1A1, 0x1AF, 0x1B0, 0x218...0x21B, 0x1EA0...0x1EF9:
                word.append(letterOfVietnameseOrRomanian(value))
                endsLower = false
            // Kazakh and other Cyrillic: the small letter stands behind its capital.
            case 0x48A...0x4BF, 0x4D0...0x52F: spell(value | 1)
            // The Azerbaijani letter between an a and an e.
            case 0x18F, 0x259:
                word.append(0x65)
                endsLower = false
            case 0x386, 0x388...0x3CE: spell(letterOfGreek(value))
            // Marks of vowels, and what only draws a word out.
            case 0x591...0x5BD, 0x5BF, 0x5C1, 0x5C2, 0x5C7, 0x640, 0x64B...0x65F, 0x670, 0x93C: break
            case 0x5D0...0x5EA: spell(value)
            case 0x621...0x64A, 0x66E...0x6D3: spell(letterOfArabic(value))
            case 0x900...0x963:
                let letter = letterOfDevanagari(value)
                word += [0xE0 | UInt8(letter >> 12), 0x80 | UInt8(letter >> 6 & 0x3F), 0x80 | UInt8(letter & 0x3F)]
                endsLower = false
            // Thai, hiragana and katakana, ideograms, Hangul.
            case 0xE01...0xE3A, 0xE40...0xE4E, 0x3041...0x3096, 0x30A1...0x30FA, 0x30FC, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3:
                flush()
                word = [0xE0 | UInt8(value >> 12), 0x80 | UInt8(value >> 6 & 0x3F), 0x80 | UInt8(value & 0x3F)]
                flush()
            // A mark of voice that stands apart from its kana.
            case 0x3099, 0x309A:
                guard word.isEmpty, let kana = words.last?.unicodeScalars.first, (0x3041...0x30FA).contains(kana.value),
                    let voiced = Unicode.Scalar(kana.value + value - 0x3098)
                else { return }
                words[words.count - 1] = String(voiced)
            // As wide as an ideogram.
            case 0xFF10...0xFF19, 0xFF21...0xFF3A, 0xFF41...0xFF5A: hear(value - 0xFEE0)
            default: separate(value)
            }
        }
        if bytes.allSatisfy({ $0 < 0x80 }) {
            for byte in bytes { hear(UInt32(byte)) }
        } else {
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { hear(scalar.value) }
        }
        flush()
        return words
    }

    /// What denies the word behind it.
    static let denials = [
        "not", "no", "isnt", "wasnt", "without", "never", "non", "nor", "nao", "nicht", "kein", "keine", "sin", "sem", "sans", "не", "нет",
    ]

    private static let answers = ["no", "нет"]

    /// What ends a clause: marks and a dash, but no opening bracket, behind which `not (yet) approved` goes on.
    private static let ends = Set(".;|/),:=!?]}&".unicodeScalars.map(\.value) + [0x2013, 0x2014])

    /// U+00C0 to U+017F without their marks; a star stands for two letters (ß, æ), a blank for no letter.
    private static let letters: [UInt8] = Array(
        ("aaaaaa*ceeeeiiii" + "dnooooo ouuuuyt*" + "aaaaaa*ceeeeiiii" + "dnooooo ouuuuyty" + "aaaaaaccccccccdd" + "ddeeeeeeeeeegggg"
            + "gggghhhhiiiiiiii" + "iiiijjkkklllllll" + "lllnnnnnn nnoooo" + "oooorrrrrrssssss" + "ssttttttuuuuuuuu" + "uuuuwwyyyzzzzzzs")
            .utf8)

    private static func letterOfVietnameseOrRomanian(_ value: UInt32) -> UInt8 {
        switch value {
        case 0x1A0, 0x1A1, 0x1ECC...0x1EE3: 0x6F
        case 0x1AF, 0x1B0, 0x1EE4...0x1EF1: 0x75
        case 0x218, 0x219: 0x73
        case 0x21A, 0x21B: 0x74
        case 0x1EB8...0x1EC7: 0x65
        case 0x1EC8...0x1ECB: 0x69
        case 0x1EF2...0x1EF9: 0x79
        default: 0x61
        }
    }

    /// An alef is an alef with or without its hamza, and a yeh a yeh with or without its dots.
    private static func letterOfArabic(_ value: UInt32) -> UInt32 {
        switch value {
        case 0x622, 0x623, 0x625, 0x671: 0x627
        case 0x649, 0x6CC: 0x64A
        case 0x6A9: 0x643
        default: value
        }
    }

    /// Small, without its accent; a sigma is a sigma at the end of a word too.
    private static func letterOfGreek(_ value: UInt32) -> UInt32 {
        switch value {
        case 0x386, 0x3AC: 0x3B1
        case 0x388, 0x3AD: 0x3B5
        case 0x389, 0x3AE: 0x3B7
        case 0x38A, 0x390, 0x3AA, 0x3AF, 0x3CA: 0x3B9
        case 0x38C, 0x3CC: 0x3BF
        case 0x38E, 0x3AB, 0x3B0, 0x3CB, 0x3CD: 0x3C5
        case 0x38F, 0x3CE: 0x3C9
        case 0x3C2: 0x3C3
        case 0x391...0x3A9: value + 0x20
        default: value
        }
    }

    /// Letters with a dot below are written without it as often, and one mark of the nose for the other.
    private static func letterOfDevanagari(_ value: UInt32) -> UInt32 {
        switch value {
        case 0x901: 0x902
        case 0x958: 0x915
        case 0x959: 0x916
        case 0x95A: 0x917
        case 0x95B: 0x91C
        case 0x95C: 0x921
        case 0x95D: 0x922
        case 0x95E: 0x92B
        case 0x95F: 0x92F
        default: value
        }
    }

    /// Whether some words stand among a text's, give or take: where it says no, none of them does.
    static func mayShare(_ words: [String], with text: String) -> Bool {
        // Most letters begin none of the words: a bit for each that does, give or take.
        let openings = words.reduce(0 as UInt32) { $0 | 1 << UInt32(($1.utf8.first ?? 0) & 31) }
        return text.utf8.withContiguousStorageIfAvailable { bytes in
            for (start, byte) in bytes.enumerated() {
                // What is written another way must be read first.
                if byte >= 0x80 || byte == 0x25 || byte == 0x26 || byte == 0x27 || byte == 0x5C || byte == 0x60 { return true }
                guard openings >> UInt32(byte & 31) & 1 == 1 else { continue }
                if words.contains(where: { begins(with: $0, UnsafeBufferPointer(rebasing: bytes[start...])) }) { return true }
            }
            return false
        } ?? true
    }

    private static func begins(with word: String, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        word.utf8.count <= bytes.count && zip(bytes, word.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    static let results: Set<String> = ["avs", "cvv", "cvv2", "cvc", "cvc2", "cid", "csc", "cavv"]

    static func withoutResults(_ words: [String]) -> [String] {
        guard words.contains(where: results.contains) else { return words }
        var kept: [String] = []
        var at = 0
        while at < words.count {
            if results.contains(words[at]) {
                var value = at + 1
                if value < words.count, ["result", "response", "code"].contains(words[value]) { value += 1 }
                if value < words.count, words[value].utf8.count == 1, words[value] != "2" {
                    at = value + 1
                    continue
                }
            }
            kept.append(words[at])
            at += 1
        }
        return kept
    }

    /// `&eacute;` is an e, `&#39;` the character of that number; any other name is a blank.
    private static func entitiesDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var at = 0
        while at < bytes.count {
            guard bytes[at] == 0x26, let end = bytes[at...].prefix(10).firstIndex(of: 0x3B), end > at + 1 else {
                decoded.append(bytes[at])
                at += 1
                continue
            }
            let name = String(decoding: bytes[at + 1..<end], as: UTF8.self)
            if name.hasPrefix("#") {
                let number = name.dropFirst()
                let value = number.lowercased().hasPrefix("x") ? UInt32(number.dropFirst(), radix: 16) : UInt32(number)
                decoded += (value.flatMap(Unicode.Scalar.init).map { Array(String($0).utf8) }) ?? [0x20]
            } else if marks.contains(where: name.dropFirst().hasPrefix) {
                decoded.append(contentsOf: name.utf8.prefix(1))
            } else {
                decoded += name == "apos" || name == "rsquo" || name == "lsquo" ? [0x27] : name == "szlig" ? [0x73, 0x73] : [0x20]
            }
            at = end + 1
        }
        return decoded
    }

    /// `N\u00e3o`, as JSON writes it, is `Não`.
    private static func escapesDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == 0x5C, at + 6 <= bytes.count, bytes[at + 1] | 0x20 == 0x75,
                let value = UInt32(String(decoding: bytes[at + 2..<at + 6], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value)
            {
                decoded += Array(String(scalar).utf8)
                at += 6
            } else {
                decoded.append(bytes[at])
                at += 1
            }
        }
        return decoded
    }

    /// What was UTF-8, and was taken for Windows-1252 on its way here, as it was: `NÃ£o` is `Não`. Nothing that was read rightly can be read so.
    private static func decodedOnceMore(_ bytes: [UInt8]) -> [UInt8] {
        var once: [UInt8] = []
        once.reserveCapacity(bytes.count)
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0...0xFF: once.append(UInt8(scalar.value))
            default:
                guard let place = windows1252.firstIndex(of: scalar.value) else { return bytes }
                once.append(0x80 + UInt8(place))
            }
        }
        return String(decoding: once, as: UTF8.self).utf8.elementsEqual(once) ? once : bytes
    }

    /// What Windows-1252 has from 0x80 on; a zero where it has nothing.
    private static let windows1252: [UInt32] = [
        0x20AC, 0, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17D, 0,
        0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0, 0x17E, 0x178,
    ]

    private static let marks = ["acute", "grave", "circ", "tilde", "uml", "cedil", "ring", "caron", "slash"]
}
