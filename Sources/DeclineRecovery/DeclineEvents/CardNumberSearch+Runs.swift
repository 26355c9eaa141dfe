/// Card numbers that neither begin nor end where the digits do.
extension CardNumberSearch {
    /// In digits without a break: filled up with zeros to a column's width, or behind what a card's chip says its number with.
    func findWithinRuns(at places: [Int], into found: inout [Range<Int>]) {
        var index = 0
        while index < places.count {
            let first = places[index]
            var end = index + 1
            while end < places.count, places[end] == places[end - 1] + 1 { end += 1 }
            let run = first..<places[end - 1] + 1
            if run.count > 13 { findWithin(run, into: &found) }
            index = end
        }
    }

    private func findWithin(_ run: Range<Int>, into found: inout [Range<Int>]) {
        let tagged = endOfTag(at: run.lowerBound)
        // As long as no card's number is.
        let isAnywhere = !isStrict && run.count > 19
        guard kinds[run.lowerBound] == 0 || kinds[run.upperBound - 1] == 0 || tagged != nil || isAnywhere else { return }
        found += Self.numbers(in: kinds[run], tagged: tagged, isAnywhere: isAnywhere)
    }

    /// A chip's data in hexadecimal: the tag 5A, the length in bytes, the number. Its letter parts the tag from the digits.
    private func endOfTag(at start: Int) -> Int? {
        guard start >= 2, text.values[start - 1] | 0x20 == 0x61, text.values[start - 2] == 0x35, kinds[start] == 0,
            (7...9).contains(kinds[start + 1])
        else { return nil }
        return start + 2
    }

    /// `34 30 31 32`: where a dump of bytes shows digits, each is a 3 and the digit itself.
    func findDumped(at places: [Int], into found: inout [Range<Int>]) {
        func isByte(_ index: Int) -> Bool { index + 1 < places.count && places[index + 1] == places[index] + 1 }
        var index = 0
        while index < places.count {
            let first = index
            var digits: [UInt8] = []
            while isByte(index), kinds[places[index]] == 3 {
                digits.append(kinds[places[index + 1]])
                index += 2
            }
            if digits.count >= 13 {
                for number in Self.numbers(in: digits[...]) {
                    found.append(places[first + 2 * number.lowerBound]..<places[first + 2 * number.upperBound - 1] + 1)
                }
            }
            if index == first { index += isByte(index) ? 2 : 1 }
        }
    }

    /// Numbers that are all the digits but for zeros before them and behind them, or begin behind a tag, or stand anywhere.
    private static func numbers(in digits: ArraySlice<UInt8>, tagged: Int? = nil, isAnywhere: Bool = false) -> [Range<Int>] {
        guard let first = digits.firstIndex(where: { $0 != 0 }), let last = digits.lastIndex(where: { $0 != 0 }) else { return [] }
        var found: [Range<Int>] = []
        var start = digits.startIndex
        while start + 13 <= digits.endIndex {
            let isFree = isAnywhere || start == tagged
            if isFree || start == first, mayBegin(digits[start]),
                let length = (13...19).reversed().first(where: { length in
                    start + length <= digits.endIndex && (isFree || start + length > last)
                        && isCardNumber(digits[start..<start + length])
                })
            {
                found.append(start..<start + length)
                start += length
            } else {
                start += 1
            }
        }
        return found
    }
}
