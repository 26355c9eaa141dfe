import JSON

/// An object that names in one member what stands in another: `{"name": "cvv", "value": "737"}`.
struct NamedPair {
    private let secret: SecretName

    init?(_ members: [JSONValue.Member]) {
        guard (2...16).contains(members.count), members.contains(where: { Self.is($0.name, oneOf: Self.values) }) else { return nil }
        for member in members where Self.is(member.name, oneOf: Self.names) {
            if let name = member.value.string, let secret = SecretName(name) {
                self.secret = secret
                return
            }
        }
        return nil
    }

    func secret(of member: JSONValue.Member) -> SecretName? { Self.is(member.name, oneOf: Self.values) ? secret : nil }

    /// Whether a name can be that of the member in which the value stands.
    static func isValue(_ name: UnsafeBufferPointer<UInt8>) -> Bool { `is`(name, oneOf: values) }

    /// Whether a name can be that of one of both members.
    static func holds(_ name: String) -> Bool { `is`(name, oneOf: names) || `is`(name, oneOf: values) }

    private static func `is`(_ name: String, oneOf words: [StaticString]) -> Bool { `is`(name.utf8, oneOf: words) }

    /// Whether a name is one of some words, ASCII case ignored.
    private static func `is`(_ bytes: some Collection<UInt8>, oneOf words: [StaticString]) -> Bool {
        words.contains { word in
            word.utf8CodeUnitCount == bytes.count
                && bytes.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)) { $0.smallLetter == $1 }
        }
    }

    private static let names: [StaticString] = ["name", "key", "field", "label", "k", "n", "id", "fieldname", "attribute"]
    private static let values: [StaticString] = ["value", "val", "v", "text", "content", "data", "fieldvalue"]
}
