extension String {
    /// Equality as JSON means it, without Unicode normalization.
    ///
    /// Swift's own, which compares memory where it can, sorts out nearly all that differ; what it takes for the same may be spelled otherwise.
    @inlinable package func hasSameCodePoints(as other: String) -> Bool {
        utf8.count == other.utf8.count && self == other && utf8.elementsEqual(other.utf8)
    }
}
