/// Everything in a text that is card data, or hides some, with where it stands: in clear, behind escapes, in Base64 or hexadecimal.
///
/// Each layer of escapes is looked at, for what one undoing shows another may spoil. What a coded run holds is looked at like a text of its
/// own. Depth and the bytes that are undone are bounded, so the work grows as the text; what is left then is not read.
struct CardDataScan {
    struct Found: Equatable {
        let range: Range<Int>
        let mark: String
        /// What a message is rejected for; nothing where it is only not to be kept.
        let finding: CardDataGuard.Finding?
    }

    private let isStrict: Bool
    private let depth: Int
    /// How many bytes may yet be undone.
    private(set) var budget: Int

    static let deepest = 3

    init(isStrict: Bool, depth: Int = 0, budget: Int = 1 << 21) {
        self.isStrict = isStrict
        self.depth = depth
        self.budget = budget
    }

    /// In order, without overlap.
    mutating func search(_ bytes: [UInt8]) -> [Found] { CardDataGlance.seesReason(in: bytes) ? searchClosely(bytes) : [] }

    mutating func searchClosely(_ bytes: [UInt8]) -> [Found] {
        var found: [Found] = []
        var layer: ScannedText? = ScannedText(bytes)
        var layers = 0
        while let text = layer, layers < 4 {
            look(at: text, into: &found)
            layers += 1
            layer = text.undone()
        }
        return Self.joined(found)
    }

    private mutating func look(at text: ScannedText, into found: inout [Found]) {
        if CardNumberSearch.digits(in: text) >= 12 {
            let search = CardNumberSearch(text, isStrict: isStrict)
            found += search.numbers().map { Found(range: text.bytes($0), mark: CardDataMark.number, finding: .cardNumber) }
            found += search.stripes().map { Found(range: text.bytes($0), mark: CardDataMark.number, finding: .trackData) }
        }
        for (range, name) in NamedSecretSearch(text, isStrict: isStrict).secrets() {
            let finding: CardDataGuard.Finding? =
                switch name {
                case .securityCode: .securityCode
                case .cardNumber: .cardNumber
                case .token, .secret: nil
                }
            found.append(Found(range: text.bytes(range), mark: name.mark, finding: finding))
        }
        if depth < Self.deepest { lookIntoRuns(of: text, into: &found) }
    }

    // MARK: Coded runs

    private mutating func lookIntoRuns(of text: ScannedText, into found: inout [Found]) {
        var position = 0
        while position < text.count {
            guard Self.sextet(text.values[position]) != nil else {
                position += 1
                continue
            }
            var places: [Int] = []
            var end = position
            while end < text.count {
                if Self.sextet(text.values[end]) != nil { places.append(end) } else if !Self.breaksLine(text, end) { break }
                end += 1
            }
            if places.count >= 17, budget >= places.count {
                let run = places.map { text.values[$0] }
                if let hidden = hidden(in: run) {
                    found.append(
                        Found(range: text.bytes(places[0]..<places[places.count - 1] + 1), mark: hidden.mark, finding: hidden.finding))
                }
            }
            position = max(end, position + 1)
        }
    }

    /// Long runs are broken into lines.
    private static func breaksLine(_ text: ScannedText, _ position: Int) -> Bool {
        guard text.values[position] == 0x0A || text.values[position] == 0x0D else { return false }
        var next = position + 1
        if next < text.count, text.values[next] == 0x0A { next += 1 }
        return next < text.count && sextet(text.values[next]) != nil
    }

    static func sextet(_ value: UInt32) -> UInt8? {
        switch value {
        case 0x41...0x5A: UInt8(value - 0x41)
        case 0x61...0x7A: UInt8(value - 0x61 + 26)
        case 0x30...0x39: UInt8(value - 0x30 + 52)
        case 0x2B, 0x2D: 62
        case 0x2F, 0x5F: 63
        default: nil
        }
    }

    private mutating func hidden(in run: [UInt32]) -> Found? {
        for offset in 0..<4 where run.count - offset >= 16 {
            if let found = judge(Self.base64(run[offset...])) { return found }
        }
        guard run.count >= 24, run.allSatisfy({ ScannedText.hexDigit($0) != nil }) else { return nil }
        for offset in 0..<2 {
            if let found = judge(Self.hexadecimal(run[offset...])) { return found }
        }
        return nil
    }

    private static func base64(_ run: ArraySlice<UInt32>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(run.count * 3 / 4)
        var word: UInt32 = 0
        var bits = 0
        for value in run {
            word = word << 6 | UInt32(sextet(value) ?? 0)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }

    private static func hexadecimal(_ run: ArraySlice<UInt32>) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = run.startIndex
        while index + 1 < run.endIndex {
            bytes.append(
                UInt8(truncatingIfNeeded: (ScannedText.hexDigit(run[index]) ?? 0) << 4 | (ScannedText.hexDigit(run[index + 1]) ?? 0)))
            index += 2
        }
        return bytes
    }

    /// Whether bytes that stood coded are packed, or a text.
    static func isReadable(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if Inflate.isPacked(bytes) { return true }
        let printable = bytes.count { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 || $0 == 0 }
        return printable * 10 >= bytes.count * 8 || CardDataGuard.isText(bytes) && String(validating: bytes, as: UTF8.self) != nil
    }

    /// Whether bytes that stood coded hold card data. Of what is no text nothing is said but where digits stand between zeros, as in UTF-16.
    private mutating func judge(_ bytes: [UInt8]) -> Found? {
        budget -= bytes.count
        let text: [UInt8]
        if let unpacked = Inflate.unpacked(bytes, limit: max(budget, 0)) {
            budget -= unpacked.count
            text = unpacked
        } else {
            guard bytes.withUnsafeBufferPointer({ Self.isReadable($0) }) else { return nil }
            text = bytes
        }
        var inner = CardDataScan(isStrict: true, depth: depth + 1, budget: budget)
        let found = inner.search(text)
        budget = inner.budget
        return found.first { $0.finding != nil } ?? found.first
    }

    // MARK: Ranges

    /// Sorted, and those that overlap made one, with the mark of the one that is a finding.
    static func joined(_ found: [Found]) -> [Found] {
        guard found.count > 1 else { return found }
        var result: [Found] = []
        for next in found.sorted(by: { ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound) }) {
            guard let last = result.last, next.range.lowerBound < last.range.upperBound else {
                result.append(next)
                continue
            }
            let first = last.finding == nil && next.finding != nil ? next : last
            result[result.count - 1] = Found(
                range: last.range.lowerBound..<max(last.range.upperBound, next.range.upperBound), mark: first.mark, finding: first.finding)
        }
        return result
    }
}
