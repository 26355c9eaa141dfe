extension FieldError {
    /// How many are told of one message. Nobody mends more at once, and every one of them costs room in a result and in a letter.
    static let mostTold = 100
    /// In bytes.
    private static let longestPath = 256
    private static let longestMessage = 512

    /// Cut to what is told of one fault.
    var bounded: FieldError {
        if path.utf8.count <= Self.longestPath, message.utf8.count <= Self.longestMessage { return self }
        return FieldError(path: path.cut(toBytes: Self.longestPath), message: message.cut(toBytes: Self.longestMessage))
    }

    /// The mark of those that are not told.
    static func omitting(_ count: Int) -> [FieldError] {
        count > 0 ? [FieldError(path: "$", message: "\(count) more faults are not told here")] : []
    }

    /// Faults from anywhere as they are written.
    static func told(_ faults: [FieldError]) -> [FieldError] {
        // The mark at the end of a list that is cut already counts as one of them.
        if faults.count <= mostTold + 1 { return faults.map(\.bounded) }
        return faults.prefix(mostTold).map(\.bounded) + omitting(faults.count - mostTold)
    }
}

extension String {
    /// The beginning of a text, whole characters, with a mark where something was cut off.
    func cut(toBytes limit: Int) -> String {
        if utf8.count <= limit { return self }
        var kept = unicodeScalars.startIndex
        var room = limit - 3
        for index in unicodeScalars.indices {
            let width = UTF8.width(unicodeScalars[index])
            if width > room { break }
            room -= width
            kept = unicodeScalars.index(after: index)
        }
        return String(self[..<kept]) + "\u{2026}"
    }
}
