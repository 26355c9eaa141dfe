import DeclineRecovery
import Testing

@testable import FlexFactor

/// `Retry-After`, beside whatever status it comes.
@Suite struct RetryAfterTests {
    private let client = FlexFactorClient(
        GatewayCredentials(appKey: Secret("k"), appSecret: Secret("s"), mid: "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11", origin: .sandbox),
        now: { Moment(rfc3339: "2026-01-02T03:04:06Z")! })

    private func failure(_ status: Int, _ said: String?) -> CallFailure {
        client.failure(HTTPResponse(status: status, retryAfter: said, body: []), without: client.withheld())
    }

    @Test(arguments: [500, 502, 503, 504]) func aServerErrorBringsItAlong(status: Int) {
        #expect(failure(status, "7") == .unknown(.serverError(status: status, retryAfter: .seconds(7))))
        #expect(
            failure(status, "Fri, 02 Jan 2026 03:05:06 GMT") == .unknown(.serverError(status: status, retryAfter: .seconds(60))))
        // Bounded as a 429's is.
        #expect(failure(status, "100000") == .unknown(.serverError(status: status, retryAfter: .days(1))))
        #expect(failure(status, "soon") == .unknown(.serverError(status: status)) && failure(status, nil) == failure(status, "-1"))
        #expect(failure(429, "100000") == .throttled(retryAfter: .days(1)))
    }
}
