import DeclineRecovery

/// What tracing systems note beside a `traceparent` (W3C trace context, `tracestate`): passed on as it came, or not at all.
package enum TraceState {
    /// That of the message that is worked on.
    @TaskLocal package static var current: String?

    /// As long as W3C asks everybody to pass on.
    private static let longest = 512
    private static let mostMembers = 32

    /// Whether it is of its form: up to 32 different keys with values, `,` between.
    package static func isValid(_ text: String) -> Bool {
        guard (1...longest).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else {
            return false
        }
        var keys: Set<Substring> = []
        for member in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = trim(member)
            // Nothing between two commas is allowed.
            if trimmed.isEmpty { continue }
            let parts = trimmed.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, isKey(parts[0]), (1...256).contains(parts[1].utf8.count), keys.insert(parts[0]).inserted else {
                return false
            }
        }
        // Sixteen digits fit it; it travels on.
        return (1...mostMembers).contains(keys.count) && CardDataGuard.finding(in: text) == nil
    }

    /// `name`, or `tenant@system`, of small letters, digits, and a few signs.
    private static func isKey(_ key: Substring) -> Bool {
        guard let first = key.utf8.first, (1...256).contains(key.utf8.count) else { return false }
        func isLetterOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        return isLetterOrDigit(first) && key.utf8.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
            && key.utf8.count { $0 == UInt8(ascii: "@") } <= 1
    }

    private static func trim(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var rest = text.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }
}
