extension Moment {
    /// Days since 1970-01-01 of a date of the Gregorian calendar. Months count from March, so that the leap day ends the year.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private var calendar: (year: Int, month: Int, day: Int, weekday: Int, hour: Int, minute: Int, second: Int, millisecond: Int) {
        var days = Int(milliseconds / 86_400_000)
        var rest = Int(milliseconds % 86_400_000)
        if rest < 0 {
            rest += 86_400_000
            days -= 1
        }
        let weekday = ((days % 7) + 11) % 7
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (
            year, month, dayOfYear - (153 * shifted + 2) / 5 + 1, weekday, rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60,
            rest % 1_000
        )
    }

    /// RFC 3339 in UTC with milliseconds: `2026-01-02T03:04:05.678Z`.
    package var rfc3339: String { String(unsafeUninitializedCapacity: Self.longestText) { write(to: $0) } }

    /// How long a date may be: the longest has a year of ten digits, the last that milliseconds can tell.
    package static var longestText: Int { 48 }

    /// Writes it as `rfc3339` says it to where there is room for the longest.
    ///
    /// - Returns: how many bytes it has.
    func write(to place: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let at = calendar
        return DateText.write(to: place) { text in
            text.put(at.year, 4, "-")
            text.put(at.month, 2, "-")
            text.put(at.day, 2, "T")
            text.put(at.hour, 2, ":")
            text.put(at.minute, 2, ":")
            text.put(at.second, 2, ".")
            text.put(at.millisecond, 3, "Z")
        }
    }

    /// RFC 1123, as HTTP writes dates: `Fri, 02 Jan 2026 03:04:06 GMT`.
    package var rfc1123: String { String(unsafeUninitializedCapacity: Self.longestText) { writeRFC1123(to: $0) } }

    /// Writes it as `rfc1123` says it to where there is room for the longest.
    ///
    /// - Returns: how many bytes it has.
    package func writeRFC1123(to place: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let at = calendar
        return DateText.write(to: place) { text in
            text.put(Self.weekdays[at.weekday])
            text.put(", ")
            text.put(at.day, 2, " ")
            text.put(Self.months[at.month - 1])
            text.put(" ")
            text.put(at.year, 4, " ")
            text.put(at.hour, 2, ":")
            text.put(at.minute, 2, ":")
            text.put(at.second, 2, " GMT")
        }
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Reads RFC 3339 with any offset; finer fractions than milliseconds are cut. `nil` for anything else, a 60th second included.
    package init?(rfc3339 text: String) {
        var scanner = DigitScanner(text)
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2),
            scanner.skip("T") || scanner.skip("t"), let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2),
            scanner.skip(":"), let second = scanner.number(2), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction = 0
        if scanner.skip(".") {
            guard let milliseconds = scanner.fraction() else { return nil }
            fraction = milliseconds
        }
        var offset = 0
        if !scanner.skip("Z"), !scanner.skip("z") {
            let sign = scanner.skip("+") ? 1 : scanner.skip("-") ? -1 : 0
            guard sign != 0, let hours = scanner.number(2), scanner.skip(":"), let minutes = scanner.number(2), hours < 24, minutes < 60
            else {
                return nil
            }
            offset = sign * (hours * 60 + minutes)
        }
        self.init(
            year: year, month: month, day: day, seconds: hour * 3_600 + (minute - offset) * 60 + second, milliseconds: fraction,
            isWhole: scanner.isAtEnd)
    }

    /// Reads RFC 1123 as `rfc1123` writes it; the weekday is not checked.
    package init?(rfc1123 text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let month = Self.months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        var date = DigitScanner(String(parts[1] + parts[3]))
        var time = DigitScanner(String(parts[4]))
        guard let day = date.number(2), let year = date.number(4), date.isAtEnd, let hour = time.number(2), time.skip(":"),
            let minute = time.number(2), time.skip(":"), let second = time.number(2), hour < 24, minute < 60, second < 60
        else { return nil }
        self.init(
            year: year, month: month + 1, day: day, seconds: hour * 3_600 + minute * 60 + second, milliseconds: 0, isWhole: time.isAtEnd)
    }

    private init?(year: Int, month: Int, day: Int, seconds: Int, milliseconds: Int, isWhole: Bool) {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard isWhole, (1...12).contains(month), day >= 1,
            day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.init(milliseconds: (Int64(days) * 86_400 + Int64(seconds)) * 1_000 + Int64(milliseconds))
    }
}

/// A date as it is written, byte behind byte, where its text will stand: every message has some.
private struct DateText {
    private let place: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    static func write(to place: UnsafeMutableBufferPointer<UInt8>, _ write: (inout DateText) -> Void) -> Int {
        var text = DateText(place: place)
        write(&text)
        return text.count
    }

    private mutating func put(_ byte: UInt8) {
        place[count] = byte
        count += 1
    }

    mutating func put(_ text: String) { for byte in text.utf8 { put(byte) } }

    /// A number with zeros before it, and what follows it. Years that nobody's clock says are as long as they are.
    mutating func put(_ number: Int, _ width: Int, _ mark: String) {
        let digits = String(number)
        for _ in 0..<max(width - digits.utf8.count, 0) { put(UInt8(ascii: "0")) }
        put(digits)
        put(mark)
    }
}

/// Takes fixed-width numbers and marks off a text.
private struct DigitScanner {
    private var rest: String.UTF8View.Iterator
    private var next: UInt8?

    init(_ text: String) {
        rest = text.utf8.makeIterator()
        next = rest.next()
    }

    var isAtEnd: Bool { next == nil }

    mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == mark.value else { return false }
        self.next = rest.next()
        return true
    }

    private mutating func digit() -> Int? {
        guard let next, (0x30...0x39).contains(next) else { return nil }
        self.next = rest.next()
        return Int(next - 0x30)
    }

    mutating func number(_ width: Int) -> Int? {
        var number = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    /// The first three digits of a fraction that has at least one.
    mutating func fraction() -> Int? {
        var milliseconds = 0
        var weight = 100
        guard var next = digit() else { return nil }
        while true {
            milliseconds += next * weight
            weight /= 10
            guard let following = digit() else { return milliseconds }
            next = following
        }
    }
}
