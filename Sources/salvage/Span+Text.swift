import DeclineRecovery

extension Moment.Span {
    /// Reads a count with the letter of its unit, like `90s`.
    ///
    /// - Parameter units: those that are meant, of `smhdw`.
    init?(_ text: String, units: String, counting counts: ClosedRange<Int64>) {
        guard let unit = text.last, units.contains(unit), let count = Int64(text.dropLast()), counts.contains(count),
            let seconds = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800][unit] as Int64?
        else { return nil }
        self = .seconds(count * seconds)
    }

    /// In the largest unit that says something.
    var inWords: String {
        let seconds = max(milliseconds / 1_000, 0)
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}
