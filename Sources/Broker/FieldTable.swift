/// Headers of a message or arguments of a queue: names and typed values, in order.
public struct FieldTable: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public var fields: [Field]

    public struct Field: Sendable, Hashable {
        public let name: String
        public let value: FieldValue

        public init(_ name: String, _ value: FieldValue) {
            self.name = name
            self.value = value
        }
    }

    public init(_ fields: [Field] = []) {
        self.fields = fields
    }

    public init(dictionaryLiteral elements: (String, FieldValue)...) {
        fields = elements.map { Field($0.0, $0.1) }
    }

    public var isEmpty: Bool { fields.isEmpty }

    /// Bytes on the wire, without the table's own length.
    public var encodedSize: Int { fields.reduce(0) { $0 + 1 + $1.name.utf8.count + $1.value.encodedSize } }

    /// The first value of a name.
    public subscript(_ name: String) -> FieldValue? {
        fields.first { $0.name == name }?.value
    }
}

/// A value of AMQP 0-9-1's field types, as RabbitMQ writes them.
public enum FieldValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    case string(String)
    case integer(Int64)
    case bool(Bool)
    case double(Double)
    /// Seconds since 1970.
    case timestamp(UInt64)
    case bytes([UInt8])
    case decimal(scale: UInt8, value: UInt32)
    case table(FieldTable)
    case array([FieldValue])
    case void

    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// Bytes on the wire, with the byte that tells the type.
    var encodedSize: Int {
        switch self {
        case .string(let text): 5 + text.utf8.count
        case .bytes(let bytes): 5 + bytes.count
        case .table(let table): 5 + table.encodedSize
        case .array(let values): values.reduce(5) { $0 + $1.encodedSize }
        case .integer, .double, .timestamp: 9
        case .decimal: 6
        case .bool: 2
        case .void: 1
        }
    }

    /// The value for a person to read.
    public var text: String {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        case .double(let number): String(number)
        case .timestamp(let seconds): String(seconds)
        case .bytes(let bytes): "(\(bytes.count) bytes)"
        case .decimal(let scale, let value): "\(value)e-\(scale)"
        case .table(let table): "{" + table.fields.map { "\($0.name): \($0.value.text)" }.joined(separator: ", ") + "}"
        case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .void: ""
        }
    }
}
