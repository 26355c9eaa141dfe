/// Finds card numbers among characters: 13 to 19 digits, however they are grouped, that begin and are as long as a brand's numbers are and
/// pass the Luhn check.
///
/// A digit is any decimal digit of Unicode. Between two digits up to three characters may stand that are neither letter nor digit: blanks,
/// dots, slashes, dashes of all kinds, what is not seen. A number begins and ends where digits begin and end, but for zeros that fill it
/// up; a longer unbroken one is something else. A UUID is none, with its dashes or without, and neither is a digest in hexadecimal, though
/// one in some thousands has such digits: FlexFactor's ids are UUIDs, and must be found again; and so are the ids of many a CRM's events.
/// Nor is a time.
struct CardNumberSearch {
    let text: ScannedText
    /// 0...9: a digit; then what may stand between digits; then the rest.
    let kinds: [UInt8]
    /// A text within a message. In a body that nobody can read a number is looked for anywhere in a longer one.
    let isStrict: Bool
    private static let separator: UInt8 = 10
    private static let other: UInt8 = 11

    init(_ text: ScannedText, isStrict: Bool) {
        self.text = text
        self.isStrict = isStrict
        kinds = text.values.map(Self.kind)
    }

    private static func kind(_ value: UInt32) -> UInt8 {
        if value < 0x80 {
            return switch value {
            case 0x30...0x39: UInt8(value - 0x30)
            case 0x41...0x5A, 0x61...0x7A: other
            default: separator
            }
        }
        // Most of what is written beyond ASCII: letters of Europe, and the ideographs.
        if (0x00C0...0x024F).contains(value) || (0x4E00...0x9FFF).contains(value) || (0xAC00...0xD7A3).contains(value) { return other }
        guard let scalar = Unicode.Scalar(value) else { return other }
        let properties = scalar.properties
        if let type = properties.numericType, type == .decimal || type == .digit, let digit = properties.numericValue,
            (0.0...9.0).contains(digit)
        {
            return UInt8(digit)
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber, .otherNumber, .privateUse,
            .unassigned, .surrogate:
            return other
        default: return separator
        }
    }

    /// How many digits it has at most: with fewer than 13 there is nothing to look for.
    static func digits(in text: ScannedText) -> Int { text.values.count { $0 < 0x80 ? (0x30...0x39).contains($0) : kind($0) < 10 } }

    /// Where card numbers stand, as ranges of characters.
    func numbers() -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        while position < kinds.count {
            if let id = endOfID(at: position) {
                position = id
                continue
            }
            guard kinds[position] < 10 else {
                position += 1
                continue
            }
            var places: [Int] = []
            var gap = 0
            var index = position
            while index < kinds.count, gap <= 3 {
                if kinds[index] < 10 {
                    if gap > 0, endOfID(at: index) != nil { break }
                    places.append(index)
                    gap = 0
                } else if kinds[index] == Self.separator {
                    gap += 1
                } else {
                    break
                }
                index += 1
            }
            position = (places.last ?? position) + 1
            guard places.count >= 13 else { continue }
            find(at: places, into: &found)
            if places.count > 13 { findWithinRuns(at: places, into: &found) }
            if places.count >= 26 { findDumped(at: places, into: &found) }
        }
        return found
    }

    private func find(at places: [Int], into found: inout [Range<Int>]) {
        let digits = places.map { kinds[$0] }
        func begins(at index: Int) -> Bool { index == 0 || places[index] - places[index - 1] > 1 }
        func ends(at index: Int) -> Bool { index == places.count || places[index] - places[index - 1] > 1 }
        var start = 0
        while start + 13 <= digits.count {
            guard begins(at: start), Self.mayBegin(digits[start]) else {
                start += 1
                continue
            }
            let length = (13...19).reversed().first { length in
                start + length <= digits.count && ends(at: start + length) && Self.isCardNumber(digits[start..<start + length])
            }
            if let length {
                found.append(places[start]..<places[start + length - 1] + 1)
                start += length
            } else {
                start += 1
            }
        }
    }

    private func endOfID(at start: Int) -> Int? { NumberForm.end(at: start, in: text.values) }

    // MARK: Numbers

    static func mayBegin(_ digit: UInt8) -> Bool { (2...6).contains(digit) || digit == 8 }

    static func isCardNumber(_ digits: ArraySlice<UInt8>) -> Bool { hasBrand(digits) && passesLuhn(digits) }

    private static func passesLuhn(_ digits: ArraySlice<UInt8>) -> Bool {
        var sum = 0
        var isDoubled = digits.count % 2 == 0
        for digit in digits {
            let weighted = isDoubled ? Int(digit) * 2 : Int(digit)
            sum += weighted > 9 ? weighted - 9 : weighted
            isDoubled.toggle()
        }
        return sum % 10 == 0
    }

    /// The issuers' number ranges (ISO/IEC 7812) of the brands in use.
    private static func hasBrand(_ digits: ArraySlice<UInt8>) -> Bool {
        let first4 = digits.prefix(4).reduce(0) { $0 * 10 + Int($1) }
        let length = digits.count
        switch first4 {
        case 4_000...4_999: return length == 13 || length == 16 || length == 19
        case 5_100...5_599, 2_221...2_720: return length == 16
        case 3_400...3_499, 3_700...3_799: return length == 15
        case 6_011, 6_440...6_599: return (16...19).contains(length)
        case 3_528...3_589: return (16...19).contains(length)
        case 3_000...3_059, 3_600...3_699, 3_800...3_999: return (14...19).contains(length)
        case 6_200...6_299, 8_100...8_171: return (16...19).contains(length)
        case 5_000...5_099, 5_600...5_899, 6_300...6_399, 6_700...6_799: return (13...19).contains(length)
        default: return false
        }
    }

    // MARK: Stripes

    /// Track 1 (`%B...^`) and track 2 (`;...=`) of a magnetic stripe, up to their end.
    func stripes() -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        while position < text.count {
            guard let end = endOfStripe(at: position) else {
                position += 1
                continue
            }
            found.append(position..<end)
            position = end
        }
        return found
    }

    private func endOfStripe(at start: Int) -> Int? {
        let from: Int
        let mark: UInt32
        if text.values[start] == 0x25, start + 1 < text.count, text.values[start + 1] | 0x20 == 0x62 {
            (from, mark) = (start + 2, 0x5E)
        } else if text.values[start] == 0x3B {
            (from, mark) = (start + 1, 0x3D)
        } else {
            return nil
        }
        var position = from
        while position < text.count, position - from < 24, kinds[position] < 10 || text.values[position] == 0x20 { position += 1 }
        guard (12...23).contains(position - from), position < text.count, text.values[position] == mark else { return nil }
        // What follows holds the security code and the check of the PIN.
        let limit = min(position + 90, text.count)
        while position < limit, text.values[position] != 0x3F, text.values[position] != 0x0A, text.values[position] != 0x22 {
            position += 1
        }
        return position
    }
}
