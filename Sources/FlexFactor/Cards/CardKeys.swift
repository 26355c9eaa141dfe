package import DeclineRecovery
import JSON

/// The worker's private keys for encrypted cards, by `kid` (behaviour.md §9). Several at once, so that they can be exchanged.
package struct CardKeys: Sendable {
    private let keys: [String: CardKey]
    private let seal: CardSeal?

    package init(_ keys: [CardKey] = []) {
        // The newest, as kids are named for their date: the one that is dropped last.
        seal = keys.max { $0.kid < $1.kid }.flatMap { key in key.publicPEM.map { CardSeal(kid: key.kid, publicPEM: $0) } }
        self.keys = Dictionary(keys.map { ($0.kid, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var kids: [String] { keys.keys.sorted() }

    /// Whether a key for this card is held; `nil` where the card is not a compact JWE at all.
    package func hold(keyOf card: SealedCard) -> Bool? {
        CompactJWE(card.exposed).map { keys[$0.kid ?? ""] != nil || $0.kid == nil && keys.count == 1 }
    }

    /// Why a card cannot be opened. Holds nothing of it.
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case notCompactJWE
        case algorithm
        case noKey(kid: String)
        case wrongKeyOrBroken
        case noCard(String)

        package var description: String {
            switch self {
            case .notCompactJWE: "not a compact JWE: five parts of Base64url with dots between, the first a JSON header."
            case .algorithm: "the JWE's header must say alg RSA-OAEP-256 and enc A256GCM, and nothing critical or compressed."
            case .noKey(let kid): "this worker holds no key with the kid '\(CardDataGuard.redacted(String(kid.prefix(64))))'."
            case .wrongKeyOrBroken: "the JWE does not open: it was encrypted to another key, or was changed."
            case .noCard(let what): "the JWE's content is no card: \(what)."
            }
        }
    }

    /// Encrypts a token so that it may be kept with a dead letter and replayed; `nil` where there is no key.
    package func seal(_ token: CardToken) -> SealedCard? {
        var json = JSONWriter()
        json.object { $0.member("token", token.exposed) }
        return seal?.seal(json.bytes)
    }

    /// What was sealed: a card, by the CRM; or FlexFactor's token of one, by us for a dead letter.
    package enum Opened: Sendable {
        case card(ClearCard)
        case token(CardToken)
    }

    /// Opens a card.
    ///
    /// - Parameter charge: gives the names, and what the sealed content leaves out of month and year.
    package func open(_ card: SealedCard, of charge: Charge) -> Result<Opened, Failure> {
        guard let jwe = CompactJWE(card.exposed) else { return .failure(.notCompactJWE) }
        guard jwe.isSupported else { return .failure(.algorithm) }
        let key = jwe.kid.map { keys[$0] } ?? (keys.count == 1 ? keys.values.first : nil)
        guard let key else { return .failure(.noKey(kid: jwe.kid ?? "")) }
        guard let content = key.decrypt(jwe) else { return .failure(.wrongKeyOrBroken) }
        guard let value = try? JSONValue(parsing: content.span), value.object != nil else { return .failure(.noCard("not a JSON object")) }
        if let token = value["token"]?.string, !token.isEmpty { return .success(.token(CardToken(token))) }
        return Self.card(value, charge).map(Opened.card)
    }

    /// `{"number": "...", "verificationValue": "...", "expirationMonth": 12, "expirationYear": 2029}`, the last three optional.
    private static func card(_ value: JSONValue, _ charge: Charge) -> Result<ClearCard, Failure> {
        guard let number = value["number"]?.string?.filter({ $0 != " " && $0 != "-" }), (12...19).contains(number.utf8.count),
            number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return .failure(.noCard("number must be a text of 12 to 19 digits")) }
        let code = value["verificationValue"]?.string
        if let code, !(3...4).contains(code.utf8.count) || !code.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return .failure(.noCard("verificationValue must be a text of 3 or 4 digits"))
        }
        let method = charge.paymentMethod
        guard let month = value["expirationMonth"]?.int64.flatMap(Int.init(exactly:)) ?? method.expirationMonth, (1...12).contains(month),
            let year = value["expirationYear"]?.int64.flatMap(Int.init(exactly:)) ?? method.expirationYear, (2_000...2_099).contains(year)
        else { return .failure(.noCard("expirationMonth (1 to 12) and expirationYear (four digits) must stand in it or in the event")) }
        return .success(
            ClearCard(
                number: number, verificationValue: code, firstName: charge.billing.firstName, lastName: charge.billing.lastName,
                month: month,
                year: year, email: charge.payer.email))
    }
}
