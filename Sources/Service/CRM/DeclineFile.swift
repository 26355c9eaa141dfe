package import DeclineRecovery
import FoundationEssentials
import JSON

/// An event of a file, as it is to be published.
package struct FileEvent: Sendable {
    /// The file's name, with the line for one of several.
    package let label: String
    package let body: [UInt8]
    package let eventID: String?
    package let orderID: String?
    package let trigger: String?
    let type: String?
    /// Whether `$NOW` or `$RUN` stands in it as it is: it was to be filled, and was not.
    package let hasPlaceholders: Bool

    /// Where the CRM would publish it.
    package var routingKey: String {
        if type == CancelCommand.type { return "command.cancel" }
        if type == RefundCommand.type { return "command.refund" }
        return ["initial", "rerun", "recycle"].contains(trigger) ? "decline.\(trigger ?? "")" : "decline.initial"
    }
}

/// Reads files of events: one JSON object, a JSON list of them, or one per line (NDJSON).
package struct DeclineFile: Sendable {
    /// Publish the bytes of each file as they are, whatever they are.
    package var isRaw = false
    /// What placeholders stand for: `$NOW`, `$NOW-90s`, `$NOW-2h`, `$NOW-3d`, and `$RUN`. Left alone when `nil`.
    package var placeholders: (now: Moment, run: String)?

    /// What the command that reads has for a file that holds no events, behind what is wrong with it.
    package var wayOut = ""

    package init() {}

    /// - Parameter name: `-` reads standard input.
    package func read(_ name: String) throws(DeclineFileError) -> [FileEvent] {
        guard let bytes = WholeFile.bytes(of: name) else {
            throw DeclineFileError(file: name, what: WholeFile.fault(of: name))
        }
        let label = name == "-" ? "stdin" : URL(filePath: name).lastPathComponent
        if isRaw { return [try event(label, .null, bytes)] }
        var events: [FileEvent] = []
        if let value = parse(bytes) {
            guard let list = value.array else { return [try event(label, value, bytes)] }
            for (index, element) in list.enumerated() { events.append(try event("\(label)[\(index)]", element, element.bytes)) }
            if events.isEmpty { throw DeclineFileError(file: name, what: "it holds no event") }
            return events
        }
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            guard let value = parse(Array(line)) else {
                throw DeclineFileError(file: name, what: "line \(index + 1) is not JSON\(wayOut)")
            }
            events.append(try event("\(label):\(index + 1)", value, Array(line)))
        }
        if events.isEmpty { throw DeclineFileError(file: name, what: "it holds no event") }
        return events
    }

    private func parse(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: 256 << 20, depth: 1_000))
    }

    private func event(_ label: String, _ value: JSONValue, _ bytes: [UInt8]) throws(DeclineFileError) -> FileEvent {
        if value.object == nil, !isRaw {
            throw DeclineFileError(file: label, what: "it is no JSON object, and so no event\(wayOut)")
        }
        let filled = placeholders == nil ? value : try fill(value, label)
        return FileEvent(
            label: label, body: placeholders == nil || isRaw ? bytes : filled.bytes, eventID: filled["id"]?.string,
            orderID: filled["data"]?["order"]?["id"]?.string ?? filled["data"]?["orderId"]?.string,
            trigger: filled["data"]?["trigger"]?.string,
            type: filled["type"]?.string,
            hasPlaceholders: placeholders == nil && (bytes.contains(text: "$NOW") || bytes.contains(text: "$RUN")))
    }

    private func fill(_ value: JSONValue, _ label: String) throws(DeclineFileError) -> JSONValue {
        switch value {
        case .string(let text): return .string(try fill(text, label))
        case .array(let elements): return .array(try elements.map { element throws(DeclineFileError) in try fill(element, label) })
        case .object(let members):
            return .object(
                try members.map { member throws(DeclineFileError) in JSONValue.Member(member.name, try fill(member.value, label)) })
        case .null, .bool, .integer, .number: return value
        }
    }

    private func fill(_ text: String, _ label: String) throws(DeclineFileError) -> String {
        guard let placeholders, text.utf8.contains(UInt8(ascii: "$")) else { return text }
        if text == "$NOW" { return placeholders.now.rfc3339 }
        if text.hasPrefix("$NOW") {
            guard text.hasPrefix("$NOW-"), let unit = text.last, let count = Int64(text.dropFirst("$NOW-".count).dropLast()),
                let seconds = ["s": 1, "m": 60, "h": 3_600, "d": 86_400][unit] as Int64?, (0...Self.longest / seconds).contains(count)
            else {
                throw DeclineFileError(
                    file: label, what: "'\(text)' is no time; expected $NOW, $NOW-90s, $NOW-2h or $NOW-3d, of 100 years at most")
            }
            return (placeholders.now + .seconds(-count * seconds)).rfc3339
        }
        return text.replacing("$RUN", with: placeholders.run)
    }

    /// A hundred years, in seconds: no charge is older.
    private static let longest: Int64 = 36_525 * 86_400
}

/// Why a file holds nothing to publish.
package struct DeclineFileError: Error, Sendable, Hashable, CustomStringConvertible {
    package let file: String
    package let what: String

    package var description: String { "\(file): \(what)" }
}
