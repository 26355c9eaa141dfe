extension String {
    /// The text with parts behind it, in memory that is asked for once: interpolation and `+` ask again for nearly every part. For what every
    /// message has, as its ids are.
    func with(
        _ first: String, _ second: String = "", _ third: String = "", _ fourth: String = "", _ fifth: String = "", _ sixth: String = ""
    ) -> String {
        var whole = self
        whole.reserveCapacity(
            utf8.count + first.utf8.count + second.utf8.count + third.utf8.count + fourth.utf8.count + fifth.utf8.count
                + sixth.utf8.count)
        whole += first
        whole += second
        whole += third
        whole += fourth
        whole += fifth
        whole += sixth
        return whole
    }
}
