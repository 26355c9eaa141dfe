import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Service

/// What `publish --wait` says of what the CRM was told: whoever acts by it must not be led to charge twice.
@Suite struct DeclineWatchTests {
    private let watch = DeclineWatch()

    /// A recycle of the order's debt.
    private func event(_ id: String, type: String = "com.salvage.decline.v1") -> FileEvent {
        let body = """
            {"specversion":"1.0","id":"\(id)","source":"https://crm.example.test","type":"\(type)","time":"2026-01-01T00:00:00Z",\
            "data":{"merchantId":"acme","trigger":"recycle","recovery":{"reattempt":4},\
            "order":{"id":"A1","type":"recurring","ipAddress":"203.0.113.7","purchaseId":"88","billingCycle":7,\
            "items":[{"sku":"CREAM-50","name":"Cream","amount":4999,"quantity":1}]},\
            "decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"201","responseText":"Do not honor","transactionId":"T-\(id)"},\
            "amount":{"minorUnits":4999,"currency":"USD"},"payer":{"email":"ada@example.test"},\
            "billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main Street","city":"Troy","state":"NY",\
            "zipCode":"12180"},"paymentMethod":{"token":"tok_approve","holderName":"Ada Byron","expirationMonth":12,"expirationYear":2029}}}
            """
        return FileEvent(
            label: id, body: Array(body.utf8), eventID: id, orderID: "A1", trigger: "recycle", type: type, hasPlaceholders: false)
    }

    private func reference(_ event: FileEvent) throws -> RecoveryReference {
        guard case .decline(let decline) = CRMMessage.decode(event.body) else {
            throw DeclineFileError(file: event.label, what: "\(CRMMessage.decode(event.body))")
        }
        return RecoveryReference(for: decline)
    }

    private func record(
        _ reference: RecoveryReference, _ kind: ResultKind, _ reason: String, action: CRMAction.Name? = nil,
        other: RecoveryReference? = nil, becomes: ResultKind? = nil
    ) -> DeclineNews {
        .record(
            JournalRecord(
                at: .in2026(0), stage: .retry, merchantID: "acme", reference: reference, gatewayID: "42", fate: .told,
                detail: kind.rawValue,
                reason: reason, attempts: 1, becomes: becomes, action: action, otherRecovery: other, workerID: "w"))
    }

    /// Workers of before do not say the action; the reason does.
    @Test(arguments: [
        (SkipReason.inRecovery, "await_result"), (.alreadyRecovered, "leave_order"), (.firstChargeUnknown, "look_up_first_charge"),
        (.hardDecline, "follow_own_rules"),
    ])
    func theActionIsThatOfTheReason(reason: SkipReason, action: String) throws {
        let event = event("e-1")
        watch.saw(record(try reference(event), .skipped, reason.rawValue))
        let story = watch.story(of: WatchedEvent(event))
        #expect(story.action == action && story.reason == reason.rawValue && story.result == "skipped" && story.isOver)
    }

    @Test func whatTheRecordSaysIsTheAction() throws {
        let event = event("e-1")
        let reference = try reference(event)
        watch.saw(record(reference, .skipped, ToldMoney.again, action: .awaitResult, other: reference))
        let again = watch.story(of: WatchedEvent(event))
        #expect(again.action == "await_result" && again.otherRecovery == reference.text)
        watch.saw(record(reference, .correction, "approved_by_webhook", becomes: .approved))
        #expect(watch.story(of: WatchedEvent(event)).action == "advance_subscription")
    }

    /// Told once more by a worker that does not say what: no guess.
    @Test func whatIsNotKnownIsNotSaid() throws {
        let event = event("e-1")
        watch.saw(record(try reference(event), .skipped, ToldMoney.again))
        #expect(watch.story(of: WatchedEvent(event)).action == nil)
    }

    @Test func twoDeclinesOfOneOrderHaveEachTheirStory() throws {
        let (first, second) = (event("e-1"), event("e-2"))
        let (one, other) = (try reference(first), try reference(second))
        #expect(one != other)
        watch.saw(record(one, .submitted, "submitted"))
        watch.saw(record(other, .skipped, "in_recovery", other: one))
        let stories = [first, second].map { watch.story(of: WatchedEvent($0)) }
        #expect(stories.map(\.result) == ["submitted", "skipped"] && stories.map(\.isOver) == [false, true])
        #expect(stories[1].otherRecovery == one.text && stories[1].reason == "in_recovery")
    }

    /// One decline in two forms has one result, by whichever name it is told.
    @Test func whatIsLeftToItsOtherFormIsOverWithThat() throws {
        let event = event("e-1")
        let own = try reference(event)
        let sale = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "https://crm.example.test", id: "e-1"), orderID: "A1", kind: .sale, sequence: 0)
        watch.saw(
            .record(
                JournalRecord(
                    at: .in2026(0), stage: .retry, merchantID: "acme", reference: own, gatewayID: "42", fate: .ignored,
                    detail: "its recovery is under way", attempts: 0, otherRecovery: sale, workerID: "w")))
        #expect(!watch.story(of: WatchedEvent(event)).isOver)
        watch.saw(record(sale, .approved, "approved"))
        let story = watch.story(of: WatchedEvent(event))
        #expect(story.isOver && story.result == "approved" && story.action == "complete_order" && story.finals.count == 1)
    }

    @Test func faultyEventsOfOneOrderHaveEachTheirs() {
        let events = ["e-1", "e-2"].map { event($0, type: "com.salvage.unknown.v1") }
        watch.saw(.letter(.sample(.invalidEvent, message: "e-1", order: "A1")))
        let stories = events.map { watch.story(of: WatchedEvent($0)) }
        #expect(stories.map(\.isOver) == [true, false] && stories[0].action == "correct_and_resend")
    }

    @Test func aCommandIsOverWithItsAnswer() throws {
        let body = """
            {"specversion":"1.0","id":"c-1","source":"https://crm.example.test","type":"com.salvage.refund.v1","time":"2026-01-01T00:00:00Z",\
            "data":{"merchantId":"acme","recoveryReference":"A1-R7"}}
            """
        let command = WatchedEvent(
            FileEvent(
                label: "c", body: Array(body.utf8), eventID: "c-1", orderID: nil, trigger: nil, type: RefundCommand.type,
                hasPlaceholders: false))
        #expect(command.isCommand && !watch.story(of: command).isOver)
        watch.saw(record(try #require(RecoveryReference("A1-R7")), .refunded, "refunded", action: .recordRefund))
        let story = watch.story(of: command)
        #expect(story.isOver && story.action == "record_refund")
    }

    @Test func theLineOfAResultHasReasonActionAndTheOtherApart() throws {
        let reference = try #require(RecoveryReference("A1-R7"))
        let other = try #require(RecoveryReference("A1-R6"))
        let told = try #require(record(reference, .skipped, "in_recovery", other: other).told)
        #expect(
            told.json["reason"]?.string == "in_recovery" && told.json["otherRecovery"]?.string == "A1-R6"
                && told.json["action"]?.string == "await_result")
    }
}
