extension Int {
    /// `one letter`, `3 letters`.
    ///
    /// - Parameter plural: where it is more than an s.
    package func counted(_ noun: String, _ plural: String? = nil) -> String {
        self == 1 ? "one \(noun)" : "\(self) \(plural ?? noun + "s")"
    }
}
