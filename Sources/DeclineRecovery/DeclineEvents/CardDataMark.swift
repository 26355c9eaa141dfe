/// What stands in the place of card data that was taken out.
package enum CardDataMark {
    package static let number = "[card number removed]"
    package static let code = "[security code removed]"
    package static let token = "[card token removed]"
    static let secret = "[secret removed]"
    /// Begins what stands for bytes that nobody can read.
    static let unreadable = "[unreadable:"

    /// Each as the bytes that are searched for.
    static let all = [number, code, token, secret, unreadable].map { Array($0.utf8) }
    /// What each of them begins with.
    static let opening = UInt8(ascii: "[")
}
