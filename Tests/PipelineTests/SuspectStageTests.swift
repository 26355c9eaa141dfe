import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What was in work too often when its workers ended, tried alone; and what nobody should find where it stands.
@Suite struct SuspectStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let environment = StageEnvironment.sample(ManualClock(now))
    private let recovery = Recovery.sample(declinedAt: now)

    private func handle(_ setAside: SetAside?, deliveries: Int = 0) async -> StageOutcome {
        let worked = StageOutcome(publishing: [], entry: StageOutcome.JournalEntry(fate: .ignored("worked on")))
        return await SuspectStage(in: environment, handles: [.cascade: { _ in worked }]).handle(
            IncomingMessage(
                body: WorkEnvelope.encode(recovery), messageID: recovery.reference.text + "/work", type: WorkEnvelope.type,
                exchange: "recovery.work", routingKey: "cascade", redelivered: true, deliveries: deliveries, setAside: setAside))
    }

    private func letter(_ outcome: StageOutcome) throws -> DeadLetter {
        try DeadLetter.decode(#require(outcome.publishing.first).body).get()
    }

    @Test func itIsWorkedOnByTheStageThatSetItAside() async {
        for deliveries in 0..<3 {
            let outcome = await handle(SetAside(stage: .cascade, deliveries: 3), deliveries: deliveries)
            #expect(outcome.entry.fate == .ignored("worked on"))
        }
    }

    /// Alone, it can have ended its worker only by itself.
    @Test(arguments: [(3, true), (4, true), (5, false)])
    func whatEndsItsWorkerAloneIsALetter(deliveries: Int, isRead: Bool) async throws {
        let outcome = await handle(SetAside(stage: .cascade, deliveries: 3), deliveries: deliveries)
        let letter = try letter(outcome)
        #expect(letter.reason == .crashesWorkers && letter.stage == .cascade && letter.original.deliveries == 3 + deliveries)
        // Reading it may be what ends the worker; its id still says which recovery it is.
        #expect(letter.subject.reference == recovery.reference && (letter.subject.merchantID == "acme") == isRead)
        // The charge may have happened: only FlexFactor can tell.
        #expect(letter.handling == .reconcile)
    }

    @Test func whatDoesNotSayWhoSetItAsideIsALetter() async throws {
        for setAside in [nil, SetAside(stage: .retry, deliveries: 3)] {
            #expect(try letter(await handle(setAside)).reason == .unexpectedType)
        }
    }

    @Test func whatStandsAmongTheHeldAndIsNoneIsALetter() throws {
        let outcome = HeldStage(in: environment).handle(IncomingMessage(body: WorkEnvelope.encode(recovery), exchange: "x"))
        #expect(try letter(outcome).reason == .unexpectedType && outcome.entry.fate == .deadLettered(.unexpectedType))
    }
}
