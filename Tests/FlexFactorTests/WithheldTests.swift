import DeclineRecovery
import TestSupport
import Testing

@testable import FlexFactor

/// What is taken out of FlexFactor's words.
@Suite struct WithheldTests {
    private static let token = "tok_4GsR8kQm2ZpWv7"

    private func removed(_ text: String, atMost count: Int = 300) throws -> String {
        let credentials = GatewayCredentials(
            appKey: Secret("key"), appSecret: Secret("a1b2c3d4e5f6"), mid: "m", environmentKey: Secret("env/key+1"),
            origin: try #require(Origin("https://api.example.com")))
        let card = ClearCard(
            number: "4012888888881881", verificationValue: "737", firstName: "Ada", lastName: "Byron", month: 3, year: 2030,
            email: "ada@example.com")
        return Withheld(credentials, authorization: Secret("Bearer \(Self.token)"), card: card).removed(from: text, atMost: count)
    }

    @Test(arguments: [
        ("no \(token)!", "no (withheld)!"), ("Bearer \(token.uppercased())", "Bearer (withheld)"),
        // A quotation may be cut, as may what is read of it.
        ("no \(token.prefix(14))...", "no (withheld)..."), ("no \(token.prefix(11))", "no \(token.prefix(11))"),
        ("a1b2c3d4e5f6a1b2c3d4e5f6", "(withheld)(withheld)"), ("environment=env%2Fkey%2B1", "environment=(withheld)"),
        ("4012888888881881 with 737, not 7370", "(withheld) with (withheld), not 7370"),
        ("Adam, Ada and ADA@EXAMPLE.COM", "Adam, (withheld) and (withheld)"), ("the IdempotencyKey", "the IdempotencyKey"), ("", ""),
    ])
    func whatWasSentInConfidenceIsTakenOut(said: String, told: String) throws { #expect(try removed(said) == told) }

    @Test func whatBeginsBeforeTheEndIsTakenOutWhole() throws {
        let (before, after) = (String(repeating: "x", count: 295), String(repeating: "y", count: 300))
        #expect(try removed("\(before) \(Self.token)\(after)") == "\(before) (wit")
    }
}
