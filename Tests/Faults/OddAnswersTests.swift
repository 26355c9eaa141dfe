import Broker
import FleetSupport
import TestSupport
import Testing

/// FlexFactor answers slowly, halfway, with a web page, with 429, with 5xx, or not at all, on every endpoint, its token's too.
@Suite struct OddAnswersTests {
    @Test(.timeLimit(.minutes(10)))
    func whateverFlexFactorAnswersOneTrueResultIsTold() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 15)
        plan.faults = """
            {"endpoints": ["evaluate", "capture", "orders", "cancel", "token"], "slowBody": 0.03, "html": 0.03, "truncated": 0.03, "throttle": 0.03,
             "errorBefore": 0.03, "errorAfter": 0.03, "resetAfter": 0.03, "timeoutAfter": 0.03, "timeoutSeconds": 30, "retryAfterSeconds": 1,
             "tokenSeconds": 30, "latencyP50": 100, "latencyP99": 900}
            """
        plan.settings = ["SALVAGE_FLEXFACTOR_CALL_SECONDS": "2", "SALVAGE_RECONCILE_SETTLE_SECONDS": "5"]
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let tokens = ["tok_approve", "tok_decline", "tok_capture", "tok_challenge"]
            let declines = (0..<300).map { CRM.decline("O\($0)", token: tokens[$0 % tokens.count]) }
            try await crm.publish(declines)
            try await eventually("every decline has its result") { crm.finals.count == declines.count }
            let approved = try await expectTheTruth(crm, fleet, declines: declines.count)
            print("\(approved) approved and charged, reasons \(crm.reasons)")
        }
    }

    /// A CRM that repeats itself, and FlexFactor answering 5xx and losing answers: the copies agree.
    @Test(.timeLimit(.minutes(10)))
    func bothCopiesOfADeclineTellTheSame() async throws {
        var plan = Fleet.Plan()
        plan.faults =
            #"{"endpoints": ["evaluate", "capture"], "errorBefore": 0.05, "errorAfter": 0.05, "resetAfter": 0.05, "latencyP50": 50, "latencyP99": 500}"#
        plan.settings = ["SALVAGE_RECONCILE_SETTLE_SECONDS": "5"]
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let tokens = ["tok_approve", "tok_decline", "tok_capture", "tok_challenge"]
            let declines = (0..<300).map { CRM.decline("O\($0)", token: tokens[$0 % tokens.count]) }
            try await crm.publish(declines)
            try await crm.publish(declines)
            try await eventually("both copies of each are answered") { crm.count >= 2 * declines.count }
            try await expectTheTruth(crm, fleet, declines: declines.count)
        }
    }
}
