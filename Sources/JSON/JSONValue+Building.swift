extension JSONValue {
    /// An object. Members that are `nil` are left out.
    package static func object(of members: [(String, JSONValue?)]) -> JSONValue {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    package static func text(_ text: String?) -> JSONValue? { text.map(JSONValue.string) }
}
