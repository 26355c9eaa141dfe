import DeclineRecovery
import FoundationEssentials
import Testing

/// What a book of many recoveries costs. `SALVAGE_MEASURE_CLAIMS` says of how many; printed, and judged by nobody.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SALVAGE_MEASURE_CLAIMS"] != nil)) struct ClaimBookMeasurement {
    @Test func memoryAndTimeOfABook() throws {
        let count = ProcessInfo.processInfo.environment["SALVAGE_MEASURE_CLAIMS"].flatMap(Int.init) ?? 0
        let now = Moment(milliseconds: 1_800_000_000_000)
        let result = Array(String(repeating: #"{"some":"result"},"#, count: 50).utf8)
        func record(_ number: Int, _ act: Claim.Act) -> ClaimRecord {
            let order = "ORDER\(number)"
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: order), orderID: order, kind: .sale, sequence: 0)
            let isTold = if case .told = act { true } else { false }
            return ClaimRecord(
                Claim(
                    id: UInt64(number) * 2, merchantID: "acme", reference: reference,
                    debt: Fingerprint(of: Debt(merchantID: "acme", orderID: order, purchaseID: nil, billingCycle: nil, chargeID: nil)),
                    amount: nil, act: act, at: now, until: now + .days(33), worker: "salvage host 1"), result: isTold ? result : nil)
        }
        let sample = [record(1, .send(post: 1)).encoded(), record(1, .told(Claim.Told(.approved, .known))).encoded()]
        var clock = ContinuousClock.now
        for _ in 0..<100_000 { for bytes in sample { #expect(ClaimRecord.decode(bytes) != nil) } }
        print("decoded: \((ContinuousClock.now - clock) / 200_000) each, \(sample.map(\.count)) bytes")
        var book = ClaimBook()
        clock = ContinuousClock.now
        for number in 0..<count {
            _ = book.take(record(number, .send(post: 1)).claim, at: Int64(number) * 2)
            _ = book.take(record(number, .told(Claim.Told(.approved, .known))).claim, at: Int64(number) * 2 + 1)
        }
        print("\(2 * count) claims folded, their making included: \((ContinuousClock.now - clock) / (2 * count)) each")
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        print(status.split(separator: "\n").filter { $0.hasPrefix("VmRSS") || $0.hasPrefix("VmHWM") })
        #expect(book.count == count)
    }
}
