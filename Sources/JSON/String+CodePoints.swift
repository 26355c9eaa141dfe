extension String {
    /// Equality as JSON means it, without Unicode normalization.
    ///
    /// Swift's own takes two spellings of one character for the same, and asks about them even where the memory decides.
    @inlinable package func hasSameCodePoints(as other: String) -> Bool {
        let (one, two) = (utf8, other.utf8)
        guard one.count == two.count else { return false }
        return one.withContiguousStorageIfAvailable { one in
            two.withContiguousStorageIfAvailable { two in
                for index in one.indices where one[index] != two[index] { return false }
                return true
            }
        }?.flatMap { $0 } ?? one.elementsEqual(two)
    }
}
