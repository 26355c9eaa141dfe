import Broker
import DeclineRecovery
import FoundationEssentials
import Pipeline
import TestSupport
import Testing

@testable import Service

/// What claims cost on their way through a broker. `SALVAGE_MEASURE_CLAIM_RATE` says how many; printed, and judged by nobody.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SALVAGE_MEASURE_CLAIM_RATE"] != nil)) struct ClaimTailMeasurement {
    @Test func rateLatencyAndStart() async throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["SALVAGE_MEASURE_CLAIM_RATE"].flatMap(Int.init) ?? 0
        let url = try #require(environment["SALVAGE_TEST_AMQP"], "run deploy/local/test, which starts a broker")
        let link = try await BrokerLink.open(BrokerConfiguration(url: url))
        let names = TopologyNames(prefix: "measure-\(UUID().uuidString.prefix(8))")
        try await link.declare(Topology(recovery: names))
        let claims = ClaimTail(worker: "measurement host 1")
        try await claims.follow(link, names, until: StopSignal())

        @Sendable func claim(_ number: Int) async -> Duration {
            let order = "ORDER\(number / 2)"
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: order), orderID: order, kind: .sale, sequence: 0)
            let isTold = number % 2 == 1
            let event = ResultEvent(
                subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: .approved(.answered), gatewayID: "42",
                flexFactorOrderID: "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11", amount: Money(minorUnits: 4_999, currency: .usd), attempts: 1,
                occurredAt: SystemClock().now())
            let begun = ContinuousClock.now
            let claimed = await claims.claim(
                ClaimRequest(
                    merchantID: "acme", reference: reference,
                    debt: Fingerprint(of: Debt(merchantID: "acme", orderID: order, purchaseID: nil, billingCycle: nil, chargeID: nil)),
                    amount: Money(minorUnits: 4_999, currency: .usd), act: isTold ? .told(Claim.Told(.approved, .known)) : .send(post: 1),
                    until: SystemClock().now() + .days(33), result: isTold ? event : nil))
            #expect(claimed != nil)
            return ContinuousClock.now - begun
        }

        var alone: [Duration] = []
        for number in 0..<min(count / 10, 1_000) { alone.append(await claim(number)) }
        alone.sort()
        let cpu = cpuSeconds()
        let begun = ContinuousClock.now
        let rest = alone.count..<count
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<256 {
                group.addTask {
                    for number in stride(from: rest.lowerBound + lane, to: rest.upperBound, by: 256) { _ = await claim(number) }
                }
            }
        }
        let took = ContinuousClock.now - begun
        print("one after the other: median \(alone[alone.count / 2]), 99 % \(alone[alone.count * 99 / 100])")
        print(
            "256 at a time: \(Int(Double(rest.count) / (took / .seconds(1)))) claims/s, \((cpuSeconds() - cpu) / Double(rest.count) * 1e6) µs CPU each"
        )
        let late = ClaimTail(worker: "late host 1")
        let start = ContinuousClock.now
        try await late.catchUp(link, names)
        print("\(count) claims read at a start in \(ContinuousClock.now - start)")
        #expect(late.counts.entries >= count / 2)
        await link.close()
    }

    private func cpuSeconds() -> Double {
        let fields = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 14 ? (Double(fields[13]) ?? 0) / 100 + (Double(fields[14]) ?? 0) / 100 : 0
    }
}
