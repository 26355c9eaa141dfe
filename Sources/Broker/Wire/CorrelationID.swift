/// A correlation id as a text, whatever bytes it has: who chose it knows its answer by the same bytes.
///
/// What is no UTF-8 stands behind a mark, a character for each byte; and so does what begins with the mark itself.
public enum CorrelationID {
    private static let mark = "not UTF-8: "

    public static func text(of bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !isMarked(text) { return text }
        var text = mark
        for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }

    public static func bytes(of text: String) -> [UInt8] {
        guard isMarked(text) else { return Array(text.utf8) }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars.dropFirst(mark.unicodeScalars.count) {
            guard let byte = UInt8(exactly: scalar.value) else { return Array(text.utf8) }
            bytes.append(byte)
        }
        return bytes
    }

    /// How many bytes it has in a message.
    public static func size(of text: String) -> Int { isMarked(text) ? bytes(of: text).count : text.utf8.count }

    private static func isMarked(_ text: String) -> Bool { text.utf8.starts(with: mark.utf8) }
}
