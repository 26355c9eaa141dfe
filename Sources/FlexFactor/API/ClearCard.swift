package import DeclineRecovery
import JSON

/// A card in clear: exists in memory only, from its decryption to `tokenize`. It does not print.
package struct ClearCard: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let number: String
    let verificationValue: String?
    let firstName: String
    let lastName: String
    /// 1...12
    let month: Int
    /// Four digits.
    let year: Int
    let email: String?

    init(
        number: String, verificationValue: String?, firstName: String, lastName: String, month: Int, year: Int, email: String? = nil
    ) {
        self.number = number
        self.verificationValue = verificationValue
        self.firstName = firstName
        self.lastName = lastName
        self.month = month
        self.year = year
        self.email = email
    }

    /// What FlexFactor is told of the card beside its token, with the charge.
    package var facts: CardFacts {
        CardFacts(
            holderName: "\(firstName) \(lastName)", expirationMonth: month, expirationYear: year, bin: String(number.prefix(6)),
            last4: String(number.suffix(4)))
    }

    package var description: String { "(card)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The body of `tokenize` (facts/flexfactor-api.md §4).
    var body: [UInt8] {
        var json = JSONWriter()
        json.object { root in
            root.object("payment_method") { method in
                method.optional("email", email)
                method.object("credit_card") { card in
                    card.member("first_name", firstName)
                    card.member("last_name", lastName)
                    card.member("number", number)
                    card.member("verification_value", verificationValue ?? "")
                    card.member("month", (month < 10 ? "0" : "") + String(month))
                    card.member("year", String(year))
                }
            }
        }
        return json.bytes
    }
}
