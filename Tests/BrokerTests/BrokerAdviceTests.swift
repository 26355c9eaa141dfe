import Broker
import Testing

/// What whoever reads a refusal is to do.
@Suite struct BrokerAdviceTests {
    @Test(arguments: [
        BrokerError.refused(code: 406, text: "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost 'v' (7) is reached"),
        .loginRefused(host: "b:5672", why: "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (3) is reached"),
    ])
    func aLimitIsRaised(error: BrokerError) {
        #expect(error.advice.hasPrefix("Raise the limit"))
    }

    @Test func whatDiffersIsCompared() {
        #expect(BrokerError.refused(code: 406, text: "inequivalent arg 'x'").advice.contains("compare the arguments"))
        #expect(BrokerError.loginRefused(host: "b", why: "ACCESS_REFUSED").advice.contains("password"))
    }
}
