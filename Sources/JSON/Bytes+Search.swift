extension [UInt8] {
    /// Whether a text's bytes stand somewhere in these, ASCII case respected. An empty text stands nowhere.
    package func contains(text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard let first = wanted.first, wanted.count <= count else { return false }
        return (0...count - wanted.count).contains { self[$0] == first && self[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
