import JSON

/// A member of an envelope that is missing or not of its form. Never holds the value.
package struct EnvelopeFault: Error, Equatable, CustomStringConvertible {
    let path: String
    let expected: String

    package var description: String { "\(path): expected \(expected)" }
}

/// An object of an envelope with its path. Our own workers wrote it, so the first fault ends the reading.
struct EnvelopeReader {
    private let object: JSONNode
    private let path: FieldPath

    init(_ object: JSONNode, _ path: FieldPath = .root) {
        self.object = object
        self.path = path
    }

    func fault(_ name: StaticString, _ expected: String) -> EnvelopeFault {
        EnvelopeFault(path: path.member(name).description, expected: expected)
    }

    private func required<Value>(_ name: StaticString, _ value: Value?, _ expected: String) throws(EnvelopeFault) -> Value {
        guard let value else { throw fault(name, expected) }
        return value
    }

    private func optional<Value>(_ name: StaticString, _ expected: String, _ read: (JSONNode) -> Value?) throws(EnvelopeFault) -> Value? {
        guard let member = object[name] else { return nil }
        return try required(name, read(member), expected)
    }

    func optionalText(_ name: StaticString) throws(EnvelopeFault) -> String? { try optional(name, "a text") { $0.string } }
    func optionalUTF8(_ name: StaticString) throws(EnvelopeFault) -> [UInt8]? { try optional(name, "a text") { $0.utf8 } }
    func optionalNumber(_ name: StaticString) throws(EnvelopeFault) -> Int64? { try optional(name, "a whole number") { $0.int64 } }
    func optionalMoment(_ name: StaticString) throws(EnvelopeFault) -> Moment? {
        try optionalNumber(name).map(Moment.init(milliseconds:))
    }
    func optionalFlag(_ name: StaticString) throws(EnvelopeFault) -> Bool? { try optional(name, "true or false") { $0.bool } }
    func optionalCount(_ name: StaticString) throws(EnvelopeFault) -> Int? {
        try optional(name, "a whole number below a billion") { $0.int64.flatMap { Self.counts.contains($0) ? Int($0) : nil } }
    }

    /// What is counted is counted on: the next one must be a number, too.
    private static let counts: ClosedRange<Int64> = -1_000_000_000...1_000_000_000

    func optionalWord<Word: RawRepresentable>(_ name: StaticString) throws(EnvelopeFault) -> Word? where Word.RawValue == String {
        try optional(name, "a word of \(Word.self)") { $0.string.flatMap(Word.init(rawValue:)) }
    }

    func optionalObject(_ name: StaticString) throws(EnvelopeFault) -> EnvelopeReader? {
        try optional(name, "an object") { $0.isObject ? EnvelopeReader($0, path.member(name)) : nil }
    }

    func objects(_ name: StaticString) throws(EnvelopeFault) -> [EnvelopeReader] {
        try objects(name) { (object) throws(EnvelopeFault) in object }
    }

    /// What each object of a list is read as; nothing of one that is missing.
    func objects<Value>(
        _ name: StaticString, _ read: (EnvelopeReader) throws(EnvelopeFault) -> Value
    ) throws(EnvelopeFault) -> [Value] {
        guard let list = object[name] else { return [] }
        guard list.isArray else { throw fault(name, "a list") }
        let place = path.member(name)
        var values: [Value] = []
        values.reserveCapacity(list.count)
        for (index, element) in list.elements.enumerated() { values.append(try read(EnvelopeReader(element, place.element(index)))) }
        return values
    }

    /// Whatever stands there.
    func value(_ name: StaticString) -> JSONValue? { object[name]?.value }

    func elements(_ name: StaticString) throws(EnvelopeFault) -> [JSONNode] {
        try optional(name, "a list") { $0.isArray ? Array($0.elements) : nil } ?? []
    }

    /// All of them, in their order.
    func members() -> [JSONValue.Member] { object.value.object ?? [] }

    func id(_ name: StaticString) throws(EnvelopeFault) -> UUID5 { try required(name, UUID5(try text(name)), "a UUID") }
    func texts(_ name: StaticString) throws(EnvelopeFault) -> [String] {
        try required(name, optional(name, "a list of texts") { $0.isArray ? $0.elements.compactMap(\.string) : nil }, "a list of texts")
    }

    func text(_ name: StaticString) throws(EnvelopeFault) -> String { try required(name, optionalText(name), "a text") }
    func number(_ name: StaticString) throws(EnvelopeFault) -> Int64 { try required(name, optionalNumber(name), "a whole number") }
    func count(_ name: StaticString) throws(EnvelopeFault) -> Int {
        try required(name, optionalCount(name), "a whole number below a billion")
    }
    func moment(_ name: StaticString) throws(EnvelopeFault) -> Moment { Moment(milliseconds: try number(name)) }
    func flag(_ name: StaticString) throws(EnvelopeFault) -> Bool { try required(name, optionalFlag(name), "true or false") }
    func object(_ name: StaticString) throws(EnvelopeFault) -> EnvelopeReader { try required(name, optionalObject(name), "an object") }

    /// A moment as RFC 3339 writes it.
    func time(_ name: StaticString) throws(EnvelopeFault) -> Moment { try required(name, Moment(rfc3339: try text(name)), "a time") }
    func reference(_ name: StaticString) throws(EnvelopeFault) -> RecoveryReference {
        try required(name, RecoveryReference(try text(name)), "a recovery reference")
    }

    /// The amount that this object tells.
    func money() throws(EnvelopeFault) -> Money {
        let currency = try required("currency", Currency(try text("currency")), "an ISO 4217 code")
        return Money(minorUnits: try number("minorUnits"), currency: currency)
    }

    /// Those of a merchant at which something may be.
    func gateways() throws(EnvelopeFault) -> [GatewayID] {
        try objects("gateways") { (gateway) throws(EnvelopeFault) in GatewayID(try gateway.text("id")) }
    }

    /// As `JSONObjectWriter.faults(_:)` writes them.
    func faults() throws(EnvelopeFault) -> [FieldError] {
        try objects("faults") { (fault) throws(EnvelopeFault) in
            FieldError(path: try fault.text("path"), message: try fault.text("message"))
        }
    }

    func word<Word: RawRepresentable>(_ name: StaticString) throws(EnvelopeFault) -> Word where Word.RawValue == String {
        try required(name, optionalWord(name), "a word of \(Word.self)")
    }
}
