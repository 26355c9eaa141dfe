import DeclineRecovery
import JSON
import Testing

@testable import FlexFactor

/// The published vectors of the x-fc scheme (facts/flexfactor-api.md §13).
@Suite struct SignatureTests {
    static let keyText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
    static let nonce = "00112233445566778899aabbccddeeff"
    static let now = Moment(rfc3339: "2026-01-02T03:04:06Z")!

    struct Vector: Sendable {
        let body: String
        let hash: String
        let signature: String
        let bodySignature: String
    }

    static let vectors = [
        Vector(
            body: "{}", hash: "J8dGcK23UHX60FjVzq97IMTneGyDuuijL2Jvl4KvNMmjPCBG72D9Knh403jin+yFGAa72aZ4ePOp8c2kgwdj/Q==",
            signature: "+tJrvJsmqJzofgXi7yNOHuuzunCHqK77zLsiIaob2aSA2V2bM8YWi/rmofAmwcrcc/sjWxK+IAN7KNPgcHMRQw==",
            bodySignature: "WB4BKQ/fwB195l4mGNR4rpCx1uSIZRhf1PXBZmAqNwc97Q/0BIzGt4RfVsZHQFclrSpztuxyNqm8D7GPA1JVxA=="),
        Vector(
            body:
                #"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"CC-1001","OrderId":"11111111-2222-3333-4444-555555555555","ConfirmationId":"0A1B2C3D","IsTestMode":true,"IsResent":false}"#,
            hash: "2ZDTyeVZbwNnlfdiviGfi7mZ6ceiOZkyr8h/fmSIKGTrlpZZc7t0pWvXgnlhCf13vTOYB9Cm9zIpVroHcsO5rQ==",
            signature: "ZcLkXCIYzg6vdQifczZBNUZn4afZ21Kx5rKHGtYVAfbQXaoeSwQAT1+a8by537oL1ycurqoTDRF/Lru1mRTEWg==",
            bodySignature: "GhvS1apu0eLsAHwDbME4LSQ3ENmAP2KWWAhe3FRjpdw++YemOaoPbHkP3b6Ja9S8wpaoXsIUPC2EcrFh66KGMw=="),
    ]

    private func key(_ text: String = keyText) throws -> HMACSigningKey { try #require(HMACSigningKey(base64: text)) }

    private func sign(_ body: String, nonce: String? = nonce) throws -> [String: String] {
        var signed = HeaderFields()
        signed.sign(Array(body.utf8), method: "POST", host: "hooks.example.test", key: try key(), now: Self.now, nonce: nonce)
        return Dictionary(uniqueKeysWithValues: signed.fields.map { ($0.name, $0.value) })
    }

    @Test(arguments: vectors) func aSignatureIsThatOfTheVectors(vector: Vector) throws {
        let signature = try sign(vector.body)
        #expect(
            signature == [
                "x-fc-nonce": Self.nonce, "x-fc-date": "Fri, 02 Jan 2026 03:04:06 GMT", "x-fc-content-sha512": vector.hash,
                "x-fc-authorization": "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="
                    + vector.signature,
                "x-fc-signature": vector.bodySignature,
            ])
    }

    @Test func eachSignatureHasANonceOfItsOwn() throws {
        let nonces = try (0..<2).map { _ in try sign("{}", nonce: nil)["x-fc-nonce"] ?? "" }
        #expect(nonces[0] != nonces[1] && nonces.allSatisfy { $0.utf8.count == 32 })
    }

    /// RFC 4231, test case 6, and a key that needs no filling up.
    @Test(arguments: [
        (
            131, "Test Using Larger Than Block-Size Key - Hash Key First",
            "gLJCY8fBo+u3FJPB3XvotJtG0fQbSu7BEhsBN4P481JrVtA34F8lmL0P0iFdah5SleZPc/Y/CuyLkVqYXXhlmA=="
        ),
        (128, "", "Z5O/wAzhAoM5shYeR4AREg+iLJqvBF+enJ61j1uVLuwooZpynnKv1AJ6rK/G863TqxqIXqmxstkgKm+nlieoAA=="),
    ])
    func aKeyOfAnyLengthSignsAsTheStandardHasIt(length: Int, message: String, expected: String) throws {
        let key = try key(Base64.encode([UInt8](repeating: 0xAA, count: length)))
        let signature = String(unsafeUninitializedCapacity: HMACSigningKey.signatureLength) { room in
            Array(message.utf8).withUnsafeBufferPointer { key.write($0, to: room) }
            return HMACSigningKey.signatureLength
        }
        #expect(signature == expected)
    }

    private func verify(
        _ body: String, now: Moment = now, host: String = "hooks.example.test", keys: [HMACSigningKey],
        change: (inout [String: String]) -> Void = { _ in }
    ) throws -> MessageSignature.Refusal? {
        var headers = try sign("{}")
        change(&headers)
        return MessageSignature.verify(header: { headers[$0] }, method: "POST", host: host, body: Array(body.utf8), keys: keys, now: now)
    }

    @Test func whatIsSignedIsBelievedAndNothingElse() throws {
        let right = try key()
        let wrong = try key("/////////////////////////////////////////////////////w==")
        #expect(try verify("{}", keys: [right]) == nil)
        #expect(try verify("{}", keys: [wrong, right]) == nil)
        #expect(try verify("{}", keys: [wrong]) == .signatureWrong)
        #expect(try verify("{}", keys: []) == .signatureWrong)
        #expect(try verify("{ }", keys: [right]) == .bodyDiffers)
        #expect(try verify("{ }", keys: [right]) { $0["x-fc-content-sha512"] = nil } == .signatureWrong)
        #expect(try verify("{}", host: "other.example.test", keys: [right]) == .signatureWrong)
        #expect(try verify("{}", now: Self.now + .seconds(300), keys: [right]) == nil)
        #expect(try verify("{}", now: Self.now + .seconds(301), keys: [right]) == .dateOutsideWindow)
        #expect(try verify("{}", now: Self.now + .seconds(-301), keys: [right]) == .dateOutsideWindow)
        #expect(try verify("{}", keys: [right]) { $0["x-fc-date"] = "yesterday" } == .dateUnreadable)
        #expect(try verify("{}", keys: [right]) { $0["x-fc-nonce"] = nil } == .headerMissing)
    }

    @Test func aKeyIsBase64OfEnoughAndDoesNotPrint() throws {
        #expect(HMACSigningKey(base64: "short") == nil)
        #expect(HMACSigningKey(base64: "c2hvcnQ=") == nil)
        var dumped = ""
        dump(try key(), to: &dumped)
        #expect("\(try key())" == "(signing key)" && !dumped.contains("0, 1, 2"))
        dump(Secret("CANARY"), to: &dumped)
        #expect(!dumped.contains("CANARY") && "\(Secret("CANARY"))" == "(secret)")
        dump(ClearCard(number: "CANARY", verificationValue: "CANARY", firstName: "", lastName: "", month: 1, year: 2030), to: &dumped)
        #expect(!dumped.contains("CANARY"))
    }
}
