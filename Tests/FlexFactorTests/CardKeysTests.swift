import DeclineRecovery
import FlexFactor
import TestSupport
import Testing

/// Encrypted cards (behaviour.md §9).
@Suite struct CardKeysTests {
    private static let first = CardKey.generate(kid: "2026-11")!
    private static let second = CardKey.generate(kid: "2026-12")!
    private let number = "4000002760003184"

    private func charge() throws -> Charge { try #require(Recovery.sample(declinedAt: Moment(milliseconds: 0)).charge) }

    private func seal(_ content: String, _ key: CardKey = first, kid: String? = nil) throws -> SealedCard {
        let pem = try #require(key.publicPEM)
        return try #require(CardSeal(kid: kid ?? key.kid, publicPEM: pem).seal(Array(content.utf8)))
    }

    private func failure(_ card: SealedCard, _ keys: CardKeys) throws -> CardKeys.Failure? {
        if case .failure(let failure) = keys.open(card, of: try charge()) { failure } else { nil }
    }

    private var content: String { #"{"number":"\#(number)","verificationValue":"123","expirationMonth":12,"expirationYear":2029}"# }

    @Test func aCardOpensWithTheKeyItWasSealedTo() throws {
        let keys = CardKeys([Self.first, Self.second])
        for key in [Self.first, Self.second] { #expect(try failure(seal(content, key), keys) == nil) }
        #expect(keys.hold(keyOf: try seal(content)) == true)
    }

    @Test func aKeyComesBackFromItsFile() throws {
        let pem = try #require(Self.first.privatePEM)
        let again = try #require(CardKey(kid: "2026-11", pem: pem))
        #expect(try failure(seal(content), CardKeys([again])) == nil)
        #expect(CardKey(kid: "x", pem: "") == nil)
        #expect(CardKey(kid: "x", pem: Self.first.publicPEM ?? "") == nil)
    }

    @Test func everyOtherCardIsRefusedWithItsReason() throws {
        let keys = CardKeys([Self.first])
        #expect(try failure(seal(content, Self.second), keys) == .noKey(kid: "2026-12"))
        #expect(try failure(seal(content, Self.second, kid: "2026-11"), keys) == .wrongKeyOrBroken)
        #expect(keys.hold(keyOf: try seal(content, Self.second)) == false)
        for text in ["", "a.b.c.d", "a.b.c.d.e", "....", number] {
            #expect(try failure(SealedCard(text), keys) == .notCompactJWE, "\(text)")
            #expect(keys.hold(keyOf: SealedCard(text)) == nil)
        }
        let whole = try seal(content).exposed
        for part in 1..<5 {
            var parts = whole.split(separator: ".").map(String.init)
            parts[part] = (parts[part].first == "A" ? "B" : "A") + parts[part].dropFirst()
            #expect(try failure(SealedCard(parts.joined(separator: ".")), keys) == .wrongKeyOrBroken, "part \(part)")
        }
        // {"alg":"RSA1_5","enc":"A256GCM","kid":"2026-11"}
        let weak = "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiMjAyNi0xMSJ9" + whole.drop { $0 != "." }
        #expect(try failure(SealedCard(weak), keys) == .algorithm)
        for content in [
            "", "7", "{}", #"{"number":4000002760003184}"#, #"{"number":"12"}"#, #"{"number":"\#(number)","verificationValue":"12"}"#,
            #"{"number":"\#(number)"}"#, #"{"number":"\#(number)","expirationMonth":13,"expirationYear":2029}"#,
        ] {
            guard case .noCard(let why)? = try failure(seal(content), keys) else {
                Issue.record("\(content) was taken")
                continue
            }
            #expect(!why.contains(number))
        }
    }

    // MARK: Tokens that we seal

    /// The token that a sealed card holds; `nil` where it holds a card, or does not open.
    private func token(_ card: SealedCard, _ keys: CardKeys) throws -> String? {
        if case .success(.token(let token)) = keys.open(card, of: try charge()) { token.exposed } else { nil }
    }

    @Test(arguments: ["tok_1", "x", "Ä \"quoted\" \\ \n", String(repeating: "t", count: 256)])
    func aSealedTokenIsOpenedAgain(text: String) throws {
        let keys = CardKeys([Self.first, Self.second])
        let sealed = try #require(keys.seal(CardToken(text)))
        #expect(try token(sealed, keys) == text)
        #expect(sealed.exposed.split(separator: ".").count == 5)
        #expect(keys.hold(keyOf: sealed) == true)
    }

    @Test func noTwoSealingsLookAlike() throws {
        let keys = CardKeys([Self.first])
        #expect(try #require(keys.seal(CardToken("tok_1"))) != #require(keys.seal(CardToken("tok_1"))))
    }

    /// The newest key is dropped last, and a letter may lie for weeks.
    @Test func aTokenIsSealedToTheNewestKey() throws {
        for keys in [[Self.first, Self.second], [Self.second, Self.first]] {
            let sealed = try #require(CardKeys(keys).seal(CardToken("tok_1")))
            #expect(try token(sealed, CardKeys([Self.second])) == "tok_1")
            #expect(try failure(sealed, CardKeys([Self.first])) == .noKey(kid: "2026-12"))
        }
    }

    @Test func withoutAKeyNothingIsSealed() {
        #expect(CardKeys().seal(CardToken("tok_1")) == nil)
    }

    @Test func aCardIsACardAndATokenAToken() throws {
        let keys = CardKeys([Self.first])
        guard case .success(.card) = keys.open(try seal(content), of: try charge()) else {
            Issue.record("a card was opened as something else")
            return
        }
        #expect(try token(seal(#"{"token":"tok_1"}"#), keys) == "tok_1")
        for content in [#"{"token":""}"#, #"{"token":7}"#, #"{"token":null}"#, #"{"token":["tok_1"]}"#, #""tok_1""#] {
            guard case .noCard? = try failure(seal(content), keys) else {
                Issue.record("\(content) was taken")
                continue
            }
        }
    }

    @Test func noSealedTokenPrints() throws {
        let keys = CardKeys([Self.first])
        let sealed = try #require(keys.seal(CardToken("tok_CANARY")))
        let opened = keys.open(sealed, of: try charge())
        for text in ["\(sealed)", String(reflecting: sealed), "\(opened)", String(reflecting: opened)] {
            #expect(!text.contains("CANARY") && !text.contains(sealed.exposed))
        }
    }

    @Test func noKeyAndNoCardPrints() throws {
        let card = try seal(content)
        let opened = CardKeys([Self.first]).open(card, of: try charge())
        for text in ["\(Self.first)", String(reflecting: Self.first), "\(card)", "\(opened)", String(reflecting: opened)] {
            #expect(!text.contains(number) && !text.contains("PRIVATE") && !text.contains(card.exposed))
        }
    }
}
