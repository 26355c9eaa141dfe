/// A text that must not be seen: a key, a password, a bearer token. It does not print.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For the request that needs it, and nothing else.
    let exposed: String

    public init(_ text: String) {
        exposed = text
    }

    public var isEmpty: Bool { exposed.isEmpty }
    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
