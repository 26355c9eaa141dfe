import Broker
import DeclineRecovery
import JSON

/// AMQP's header values as JSON and back, so that a letter shows them and a replay sends them as they were.
///
/// What JSON has no word for stands as an object with one member that says what it is.
extension JSONValue {
    private static let deepest = 16

    init(_ field: FieldValue) { self.init(field, depth: 0) }

    private init(_ field: FieldValue, depth: Int) {
        func tagged(_ tag: String, _ value: JSONValue) -> JSONValue { .object([Member(tag, value)]) }
        self =
            switch field {
            case .string(let text): .string(text)
            case .integer(let number): .integer(number)
            case .bool(let flag): .bool(flag)
            // Infinities are no JSON.
            case .double(let number): number.isFinite ? .number(String(number)) : .string(String(number))
            case .timestamp(let seconds): tagged(HeaderTag.timestamp, .string(String(seconds)))
            case .decimal(let scale, let value): tagged(HeaderTag.decimal, .string("\(value)e-\(scale)"))
            // What bytes hold nobody can tell; they are not kept.
            case .bytes(let bytes): tagged(HeaderTag.bytes, .integer(Int64(bytes.count)))
            case .array, .table: depth < Self.deepest ? Self.nested(field, depth: depth + 1) : tagged(HeaderTag.tooDeep, .null)
            case .void: .null
            }
    }

    private static func nested(_ field: FieldValue, depth: Int) -> JSONValue {
        switch field {
        case .array(let values): return .array(values.map { JSONValue($0, depth: depth) })
        case .table(let table):
            // AMQP may hold a name twice, and JSON may not.
            var names: Set<String> = []
            return .object(
                table.fields.compactMap { names.insert($0.name).inserted ? Member($0.name, JSONValue($0.value, depth: depth)) : nil })
        default: return JSONValue(field, depth: depth)
        }
    }
}

extension FieldValue {
    /// `nil` for what was not kept.
    init?(_ json: JSONValue) {
        switch json {
        case .null: self = .void
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = .integer(number)
        case .number(let text):
            guard let number = Double(text) else { return nil }
            self = .double(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.compactMap { FieldValue($0) })
        case .object(let members):
            if let tag = members.first, members.count == 1, HeaderTag.all.contains(tag.name) {
                guard let value = Self.tagged(tag.name, tag.value.string ?? "") else { return nil }
                self = value
            } else {
                self = .table(
                    FieldTable(members.compactMap { member in FieldValue(member.value).map { FieldTable.Field(member.name, $0) } }))
            }
        }
    }

    private static func tagged(_ tag: String, _ text: String) -> FieldValue? {
        switch tag {
        case HeaderTag.timestamp: return UInt64(text).map { .timestamp($0) }
        case HeaderTag.decimal:
            let parts = text.split(separator: "e-")
            guard parts.count == 2, let value = UInt32(parts[0]), let scale = UInt8(parts[1]) else { return nil }
            return .decimal(scale: scale, value: value)
        default: return nil
        }
    }
}

private enum HeaderTag {
    static let timestamp = "amqp:timestamp"
    static let decimal = "amqp:decimal"
    static let bytes = "amqp:bytes"
    static let tooDeep = "amqp:too-deep"
    static let all: Set<String> = [timestamp, decimal, bytes, tooDeep]
}
