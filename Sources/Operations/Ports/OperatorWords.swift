import DeclineRecovery

/// What operators write beside what they do, and who they say they are. It stays for a year where everybody looks, and nobody takes a card
/// number out of it later: so it is refused before anything is done.
package enum OperatorWords {
    /// Why a text is not kept; `nil` where it may be.
    ///
    /// - Parameter name: what it is to whoever wrote it.
    package static func refusal(of text: String?, as name: String) -> String? {
        guard let text, let finding = CardDataGuard.finding(in: text) else { return nil }
        let what =
            switch finding {
            case .cardNumber: "a card number"
            case .securityCode: "a card's security code"
            case .trackData: "what a card's stripe holds"
            }
        return "The \(name) holds \(what); leave it out."
    }

    static let advice = "Nothing was done. Say it without: whoever looks later knows the order by its id."
}
