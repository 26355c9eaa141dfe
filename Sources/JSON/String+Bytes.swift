extension String {
    /// Lends its UTF-8. `withUTF8` works on a copy of its own, which counts a reference up and down for each text.
    @inline(__always)
    func withBytes<Result>(_ use: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(use) { return result }
        var text = self
        return text.withUTF8(use)
    }
}
