import CLibCrypto
import Foundation

/// One merchant's account at the sandbox.
struct Account: Codable, Sendable {
    var appKey: String
    var appSecret: String
    var mid: String
    var environmentKey: String?
    /// Base64; requests must then carry a valid x-fc signature.
    var requestKey: String?
    var webhookUrl: String?
    /// Base64; webhooks are then signed.
    var webhookKey: String?
    /// How merchant-initiated charges are worked on: `managed` or `sync`, which is FlexFactor's setting of the account and no flag of a
    /// request. Where it is left out the request's expiry decides, so that one account serves for both.
    var mode: String?

    /// The account that is there when none is named.
    static let wellKnown = Account(
        appKey: "sandbox-app-key", appSecret: "sandbox-app-secret", mid: "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11",
        environmentKey: "sandbox-environment-key")
}

/// The x-fc-* scheme, written from its description.
enum Signature {
    static func check(method: String, header: (String) -> String?, body: Data, key: String) -> String? {
        guard let keyData = Data(base64Encoded: key) else { return "the sandbox's own key is not Base64" }
        guard let nonce = header("x-fc-nonce"), let date = header("x-fc-date"), let host = header("host"),
            let given = header("x-fc-authorization")
        else {
            return "a signature header is missing"
        }
        return given == authorization(method: method, nonce: nonce, date: date, host: host, body: body, key: keyData)
            ? nil : "x-fc-authorization does not fit method, nonce, date, host and body"
    }

    static func contentHash(_ body: Data) -> String {
        var hash = [UInt8](repeating: 0, count: 64)
        precondition(EVP_Q_digest(nil, "SHA512", nil, Array(body), body.count, &hash, nil) == 1, "OpenSSL has no SHA-512")
        return Data(hash).base64EncodedString()
    }

    static func authorization(method: String, nonce: String, date: String, host: String, body: Data, key: Data) -> String {
        let text = "\(method)\n\(nonce);\(date);\(host);\(contentHash(body))"
        return "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature=" + code(Data(text.utf8), key)
    }

    static func code(_ message: Data, _ key: Data) -> String { hmac("SHA512", message, key).base64EncodedString() }

    static func hmac(_ digest: String, _ message: Data, _ key: Data) -> Data {
        var code = [UInt8](repeating: 0, count: 64)
        var length = 0
        let made = EVP_Q_mac(
            nil, "HMAC", nil, digest, nil, Array(key), key.count, Array(message), message.count, &code, code.count, &length)
        precondition(made != nil, "OpenSSL has no HMAC with \(digest)")
        return Data(code.prefix(length))
    }
}

/// A JWT as FlexFactor's: HS256, ten minutes.
enum Bearer {
    static func make(_ account: Account, now: Date, expires: Date) -> String {
        let client = UUID().uuidString.lowercased()
        let claims: [String: Any] = [
            "sub": client, "unique_name": client, "jti": UUID().uuidString.lowercased(),
            "iat": String(Int(now.timeIntervalSince1970 * 1_000)),
            "aud": ["payments", "orders", "merchants", "eligibility-sftp", "eligibility", "contact"], "custom:mid": account.mid,
            "nbf": Int(now.timeIntervalSince1970), "exp": Int(expires.timeIntervalSince1970), "iss": "Api-Client-Service",
        ]
        let head = encode(Data(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let body = encode((try? JSONSerialization.data(withJSONObject: claims, options: .sortedKeys)) ?? Data())
        return "\(head).\(body).\(encode(Signature.hmac("SHA256", Data("\(head).\(body)".utf8), Data("sandbox".utf8))))"
    }

    private static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
