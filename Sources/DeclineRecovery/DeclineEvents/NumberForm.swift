/// What has as many digits as a card number by its form: a UUID, a time, a digest in hexadecimal.
///
/// Of texts as bytes and as characters, so that what is seen at a glance and what is found by a search are the same.
enum NumberForm {
    /// Where such a form ends that begins at a place.
    static func end<Text: RandomAccessCollection>(at start: Int, in text: Text) -> Int?
    where Text.Index == Int, Text.Element: FixedWidthInteger {
        endOfUUID(at: start, in: text) ?? endOfTime(at: start, in: text) ?? endOfHexadecimal(at: start, in: text)
    }

    /// 32 hexadecimal digits in five groups, a letter among them, alone.
    private static func endOfUUID<Text: RandomAccessCollection>(at start: Int, in text: Text) -> Int?
    where Text.Index == Int, Text.Element: FixedWidthInteger {
        let end = start + 36
        guard end <= text.count, text[start + 8] == 0x2D, start == 0 || !isWord(text[start - 1]), end == text.count || !isWord(text[end])
        else { return nil }
        var hasLetter = false
        for index in 0..<36 {
            let value = text[start + index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard value == 0x2D else { return nil }
            } else if !isDigit(value) {
                guard (0x61...0x66).contains(value | 0x20) else { return nil }
                hasLetter = true
            }
        }
        return hasLetter ? end : nil
    }

    /// A time as RFC 3339 writes it, or nearly. With microseconds and an offset it has digits enough behind its hour, and in a few minutes of
    /// each hour one in ten would be a card's.
    private static func endOfTime<Text: RandomAccessCollection>(at start: Int, in text: Text) -> Int?
    where Text.Index == Int, Text.Element: FixedWidthInteger {
        guard start + 19 <= text.count, text[start + 4] == 0x2D, start == 0 || !isAlphanumeric(text[start - 1]) else { return nil }
        func number(_ place: Int, in range: ClosedRange<Int>) -> Bool {
            guard isDigit(text[place]), isDigit(text[place + 1]) else { return false }
            return range.contains(Int(text[place] - 0x30) * 10 + Int(text[place + 1] - 0x30))
        }
        guard number(start, in: 19...21), number(start + 2, in: 0...99), number(start + 5, in: 1...12), text[start + 7] == 0x2D,
            number(start + 8, in: 1...31), text[start + 10] | 0x20 == 0x74 || text[start + 10] == 0x20, number(start + 11, in: 0...23),
            text[start + 13] == 0x3A, number(start + 14, in: 0...59), text[start + 16] == 0x3A, number(start + 17, in: 0...60)
        else { return nil }
        var end = start + 19
        if end + 1 < text.count, text[end] == 0x2E || text[end] == 0x2C, isDigit(text[end + 1]) {
            let fraction = end + 1
            end = fraction
            while end < text.count, isDigit(text[end]) { end += 1 }
            if end - fraction > 9 { return nil }
        }
        if end < text.count, text[end] | 0x20 == 0x7A {
            end += 1
        } else if end + 5 <= text.count, text[end] == 0x2B || text[end] == 0x2D, number(end + 1, in: 0...23) {
            let minutes = text[end + 3] == 0x3A ? end + 4 : end + 3
            if minutes + 2 <= text.count, number(minutes, in: 0...59) { end = minutes + 2 }
        }
        return end == text.count || !isAlphanumeric(text[end]) ? end : nil
    }

    /// As many hexadecimal digits as a database's id has (24), a UUID (32), or a digest, with letters among them and none beside them; and no
    /// number among them that is published for testing, which no id has by chance.
    private static func endOfHexadecimal<Text: RandomAccessCollection>(at start: Int, in text: Text) -> Int?
    where Text.Index == Int, Text.Element: FixedWidthInteger {
        guard start == 0 || !isAlphanumeric(text[start - 1]) else { return nil }
        var letters = 0
        var end = start
        while end < text.count, end - start <= 64, isDigit(text[end]) || (0x61...0x66).contains(text[end] | 0x20) {
            if !isDigit(text[end]) { letters += 1 }
            end += 1
        }
        guard end - start == 24 || end - start == 32 || end - start == 40 || end - start == 64, letters >= 3,
            end == text.count || !isAlphanumeric(text[end])
        else { return nil }
        var digits: [UInt8] = []
        for place in start...end {
            if place < end, isDigit(text[place]) {
                digits.append(UInt8(text[place]))
            } else {
                if TestNumbers.holds(digits) { return nil }
                digits.removeAll(keepingCapacity: true)
            }
        }
        return end
    }

    private static func isDigit(_ value: some FixedWidthInteger) -> Bool { (0x30...0x39).contains(value) }

    private static func isAlphanumeric(_ value: some FixedWidthInteger) -> Bool {
        isDigit(value) || (0x61...0x7A).contains(value | 0x20)
    }

    /// What would make a UUID part of something longer.
    private static func isWord(_ value: some FixedWidthInteger) -> Bool { isAlphanumeric(value) || value == 0x2D }
}
