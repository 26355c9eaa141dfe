extension [UInt8] {
    /// Whether a text's bytes stand somewhere in these, ASCII case respected.
    package func contains(text: String) -> Bool { !firstRange(of: Array(text.utf8)).isEmpty }

    private func firstRange(of wanted: [UInt8]) -> Range<Int> {
        guard let first = wanted.first, wanted.count <= count else { return 0..<0 }
        var index = 0
        while index <= count - wanted.count {
            if self[index] == first, self[index..<index + wanted.count].elementsEqual(wanted) { return index..<index + wanted.count }
            index += 1
        }
        return 0..<0
    }
}
