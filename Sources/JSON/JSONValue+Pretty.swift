extension JSONValue {
    /// For a person to read and correct: two spaces for each level.
    package var pretty: String {
        var text = ""
        write(into: &text, indent: "")
        return text
    }

    private func write(into text: inout String, indent: String) {
        switch self {
        case .array(let elements) where !elements.isEmpty:
            text += "[\n"
            for (index, element) in elements.enumerated() {
                text += indent + "  "
                element.write(into: &text, indent: indent + "  ")
                text += index + 1 < elements.count ? ",\n" : "\n"
            }
            text += indent + "]"
        case .object(let members) where !members.isEmpty:
            text += "{\n"
            for (index, member) in members.enumerated() {
                text += indent + "  " + String(decoding: JSONValue.string(member.name).bytes, as: UTF8.self) + ": "
                member.value.write(into: &text, indent: indent + "  ")
                text += index + 1 < members.count ? ",\n" : "\n"
            }
            text += indent + "}"
        default: text += String(decoding: bytes, as: UTF8.self)
        }
    }
}
