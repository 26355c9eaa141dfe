import FleetSupport
import Foundation
import TestSupport
import Testing

/// What `/readyz` says of FlexFactor: whether calls can be made at all is one thing, whether FlexFactor is there another.
@Suite struct ReadinessTests {
    private func readyz(_ plan: Fleet.Plan, _ body: (Fleet, () async throws -> (status: Int, text: String)) async throws -> Void)
        async throws
    {
        var plan = plan
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await body(fleet) {
                let answer = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz")
                return (answer.status, String(decoding: answer.data, as: UTF8.self))
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aTokenIsProofForGood() async throws {
        try await readyz(Fleet.Plan()) { fleet, readyz in
            try await eventually("it is ready without a remark") { try await readyz() == (200, "ready\n") }
            // From here on a FlexFactor that is away is no matter of readiness.
            try await fleet.setFaults(#"{"outage": true}"#)
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("AWAY")])
            try await eventually("nobody was there") { fleet.workerLog.contains("A call to FlexFactor failed") }
            #expect(try await readyz() == (200, "ready\n"))
        }
    }

    /// It comes back, and webhooks must find somebody meanwhile.
    @Test(.timeLimit(.minutes(10)))
    func aFlexFactorThatIsAwayIsToldAndHoldsNobodyBack() async throws {
        var plan = Fleet.Plan()
        plan.configuration = plan.configuration.replacing("SANDBOX", with: "http://127.0.0.1:1")
        try await readyz(plan) { fleet, readyz in
            try await eventually("it is ready, and says so") {
                let (status, text) = try await readyz()
                return status == 200 && text.hasPrefix("ready\nflexfactor: FlexFactor is away")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whoCannotCallIsNotReady() async throws {
        var plan = Fleet.Plan()
        // The kernel lets nobody connect to that address.
        plan.configuration = plan.configuration.replacing("SANDBOX", with: "https://255.255.255.255")
        try await readyz(plan) { fleet, readyz in
            try await eventually("it says that no call can be made") {
                let (status, text) = try await readyz()
                return status == 503 && text.contains("flexfactor: no call can be made at all") && text.contains("Look at this process")
            }
            #expect(fleet.workerLog.contains("FlexFactor was not even asked"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whoseKeysAreRefusedIsNotReadyUntilTheyAreMended() async throws {
        var plan = Fleet.Plan()
        plan.configuration = plan.configuration.replacing("sandbox-app-secret", with: "wrong")
        try await readyz(plan) { fleet, readyz in
            try await eventually("it says that the keys are refused") {
                let (status, text) = try await readyz()
                return status == 503 && text.contains("no gateway was ever given a token") && text.contains("appSecret")
            }
            try fleet.configure(Fleet.Plan.oneMerchant())
            fleet.newestWorker?.signal(SIGHUP)
            try await eventually("the reload is enough") { try await readyz() == (200, "ready\n") }
        }
    }
}
