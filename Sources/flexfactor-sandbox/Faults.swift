import Foundation

/// What shall go wrong, as rates between 0 and 1. Changed while running by PUT /sandbox/faults.
struct Faults: Codable, Sendable {
    /// evaluate, capture, orders, cancel, refund, token, tokenize
    var endpoints: [String] = ["evaluate", "capture", "orders", "cancel"]
    /// 429 with Retry-After, not executed.
    var throttle = 0.0
    var retryAfterSeconds = 2
    /// 503, not executed.
    var errorBefore = 0.0
    /// Executed, then 502.
    var errorAfter = 0.0
    /// The connection is reset before the request is executed.
    var resetBefore = 0.0
    /// Executed, then the connection is reset.
    var resetAfter = 0.0
    /// Executed, then no answer for `timeoutSeconds`, then the connection is closed.
    var timeoutAfter = 0.0
    var timeoutSeconds = 60.0
    /// The answer's body comes a byte at a time.
    var slowBody = 0.0
    /// Executed, then an HTML page with status 200.
    var html = 0.0
    /// Executed, then half of the answer and the end of the connection.
    var truncated = 0.0
    /// Milliseconds until the answer: median and 99th percentile of a log-normal distribution.
    var latencyP50 = 0.0
    var latencyP99 = 0.0
    /// Webhooks that never leave, that leave twice, and the wall seconds until they leave.
    var webhookLoss = 0.0
    var webhookDouble = 0.0
    var webhookDelaySeconds = 0.0
    /// How often a webhook that got no 2xx is sent again, a second later and then twice as late each time.
    var webhookResends = 5
    /// Every connection is closed at once.
    var outage = false
    /// How long tokens live.
    var tokenSeconds = 600.0

    init() {}

    /// Members that are missing keep the value they had.
    func merged(with data: Data) throws -> Faults {
        var object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(self)) as? [String: Any] ?? [:]
        let change = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        for (name, value) in change {
            guard object[name] != nil else { throw UnknownFault(name: name) }
            object[name] = value
        }
        return try JSONDecoder().decode(Faults.self, from: JSONSerialization.data(withJSONObject: object))
    }

    struct UnknownFault: Error, CustomStringConvertible {
        let name: String
        var description: String { "there is no fault named \(name)" }
    }

    enum Kind: Sendable {
        case throttle, errorBefore, errorAfter, resetBefore, resetAfter, timeoutAfter, slowBody, html, truncated
    }

    func draw(_ endpoint: String, _ random: inout SplitMix) -> Kind? {
        guard endpoints.contains(endpoint) else { return nil }
        var point = Double.random(in: 0..<1, using: &random)
        let kinds: [(Double, Kind)] = [
            (throttle, .throttle), (errorBefore, .errorBefore), (errorAfter, .errorAfter), (resetBefore, .resetBefore),
            (resetAfter, .resetAfter),
            (timeoutAfter, .timeoutAfter), (slowBody, .slowBody), (html, .html), (truncated, .truncated),
        ]
        for (rate, kind) in kinds {
            if point < rate { return kind }
            point -= rate
        }
        return nil
    }

    func latency(_ endpoint: String, _ random: inout SplitMix) -> Double {
        guard latencyP50 > 0, endpoints.contains(endpoint) else { return 0 }
        let spread = latencyP99 > latencyP50 ? log(latencyP99 / latencyP50) / 2.326 : 0
        let u = max(Double.random(in: 0..<1, using: &random), 1e-12)
        let v = Double.random(in: 0..<1, using: &random)
        return latencyP50 * exp(spread * (-2 * log(u)).squareRoot() * cos(2 * .pi * v))
    }
}

/// Random numbers that a seed repeats.
struct SplitMix: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
