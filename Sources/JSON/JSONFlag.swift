extension JSONValue {
    /// A yes or a no, however somebody else's program writes it: `true`, `"True"`, `1`, `"0"`. `nil` for what is neither, and for nothing.
    package var flag: Bool? {
        switch self {
        case .bool(let flag): return flag
        case .integer(1): return true
        case .integer(0): return false
        case .string(let text):
            return switch text.lowercased().filter({ !$0.isWhitespace }) {
            case "true", "1": true
            case "false", "0": false
            default: nil
            }
        default: return nil
        }
    }
}

extension JSONNode {
    /// A yes or a no, however somebody else's program writes it.
    package var flag: Bool? { bool ?? value.flag }
}
