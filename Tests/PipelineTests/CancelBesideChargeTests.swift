import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// FlexFactor accepts a cancel command's cancel, and takes the money in that very moment. Its list shows nothing of ours.
@Suite struct CancelBesideChargeTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)

    private let recovery: Recovery = {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.managed, until: Self.now + .days(5)),
            reference: RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1),
            amount: sample.amount, declinedAt: Self.now, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge)
    }()

    /// - Parameter shown: what the order is shown as, one look after the other; the last goes on.
    private func flexFactor(_ shown: [FlexFactorAnswer]) -> ScriptedFlexFactor {
        let looks = Mutex(0)
        return ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: return .evaluated(.submitted, "g-1")
            case .find: return .notListed
            case .cancelByReference: return .cancelAccepted
            default:
                let look = looks.withLock { looks in
                    defer { looks += 1 }
                    return looks
                }
                return call == .lookUp("g-1") ? shown[min(look, shown.count - 1)] : .failed(.unknown(.timedOut))
            }
        }
    }

    /// Carries the command out, of a recovery that FlexFactor works on.
    ///
    /// - Parameter dies: each message is taken by a pod that dies before anything of it is published, and then by another.
    /// - Parameter watch: called before each step.
    private func told(
        _ shown: [FlexFactorAnswer], dies: Bool = false, _ watch: (_ step: Int) -> Void = { _ in }
    ) async throws -> [ResultKind] {
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor(shown), cancels: Cancels())
        let taken = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        #expect(taken.kinds == [.submitted])
        let command = Cancellation(
            merchantID: "acme", reference: recovery.reference, commandID: "c-1", gateways: ["42"], since: Self.now)
        var next: [UInt8]? = command.encoded()
        var told: [ResultKind] = []
        for step in 0..<40 {
            guard let body = next else { return told }
            watch(step)
            if dies { _ = await stage.handle(IncomingMessage(body: body, type: Cancellation.type)) }
            let outcome = await stage.handle(IncomingMessage(body: body, type: Cancellation.type, redelivered: dies))
            told += outcome.kinds
            next = nil
            for sent in outcome.publishing where sent.type == Cancellation.type {
                if case .delayed(_, let span) = sent.destination { clock.pass(span) }
                next = sent.body
            }
        }
        Issue.record("it does not end")
        return told
    }

    @Test(arguments: [false, true]) func theOrderIsLookedAtBeforeItIsToldAsCancelled(dies: Bool) async throws {
        #expect(try await told([.order(.completed)], dies: dies) == [.approved])
        #expect(claims.standing(of: recovery.reference, merchant: "acme")?.told?.kind == .approved)
    }

    @Test(arguments: [false, true]) func anOrderThatIsClosedIsToldAsCancelled(dies: Bool) async throws {
        #expect(try await told([.order(.cancelled)], dies: dies) == [.cancelled])
    }

    /// Neither is known while FlexFactor does not say it.
    @Test func itIsAskedForUntilItIsShown() async throws {
        let silence: [FlexFactorAnswer] = [.failed(.unknown(.timedOut)), .noSuchOrder, .failed(.notSent(.cannotConnect("away")))]
        #expect(try await told(silence + [.order(.processing), .order(.completed)]) == [.approved])
    }

    /// Which order it is stands in the claims, and is not told without them.
    @Test func whileTheClaimsCannotBeReadItWaits() async throws {
        let ends = try await told([.order(.completed)]) { step in claims.isReachable = step < 3 || step > 12 }
        #expect(ends == [.approved])
    }

    /// FlexFactor is not what kept it.
    @Test func whereTheyCannotBeReadInTimeItsLetterSaysSo() async throws {
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor([.order(.completed)]), cancels: Cancels())
        _ = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        let command = Cancellation(
            merchantID: "acme", reference: recovery.reference, commandID: "c-1", gateways: ["42"], since: Self.now, phase: .settling(0),
            word: .accepted)
        claims.isReachable = false
        clock.pass(.days(2))
        let outcome = await stage.handle(IncomingMessage(body: command.encoded(), type: Cancellation.type))
        #expect(outcome.entry.fate == .deadLettered(.cancelFailed))
        let letter = try DeadLetter.decode(try #require(outcome.publishing.last).body).get()
        #expect(letter.explanation.contains("what the stream of claims says of its recovery cannot be read"), "\(letter.explanation)")
    }
}
