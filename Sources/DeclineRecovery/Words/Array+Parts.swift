extension Array {
    /// Its elements in their order, so many at a time; the last part may have fewer.
    package func parts(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
