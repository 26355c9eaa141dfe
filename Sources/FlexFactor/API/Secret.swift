/// A text that must not be seen: a key, a password, a bearer token. It does not print.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For the request that needs it, and nothing else.
    let exposed: String

    package init(_ text: String) {
        exposed = text
    }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
