import JSON
import Testing

@testable import DeclineRecovery

/// behaviour.md §7: what the CRM is told to do.
@Suite struct ResultEventTests {
    private func order(_ type: OrderType, trial: Bool = false, recurring: Bool = false) -> RecoveredOrder {
        RecoveredOrder(
            id: "A", type: type, trialCompletion: trial, hasRecurringProducts: recurring, purchaseID: type == .recurring ? "88" : nil,
            billingCycle: type == .recurring ? 7 : nil, declinedGatewayID: "7")
    }

    private func event(_ order: RecoveredOrder, _ reason: ResultReason) -> ResultEvent {
        ResultEvent(
            subject: .recovery(RecoveryReference(orderID: "A", kind: .sale, sequence: 0), order), merchantID: "acme", reason: reason,
            occurredAt: Moment(milliseconds: 0))
    }

    private let success = ResultReason.approved(.answered)
    private let failure = ResultReason.declined(.byFlexFactor)

    @Test func aNewSaleThatSucceedsIsCompletedAndFulfilled() {
        let action = event(order(.newSale), success).action
        #expect(action.name == .completeOrder && action.orderStatus == .complete && action.processFulfilments && action.nextBilling == nil)
        let recurring = event(order(.newSale, recurring: true), success).action
        #expect(recurring.nextBilling == .init(gatewayID: "7", method: .cardNumberWithoutCVV))
    }

    @Test func aNewSaleThatFailsIsDeclinedExceptATrialsCompletion() {
        let action = event(order(.newSale), failure).action
        #expect(action.name == .declineOrder && action.orderStatus == .declined && !action.processFulfilments)
        #expect(event(order(.newSale, trial: true), failure).action.orderStatus == .unchanged)
    }

    @Test func aRebillAdvancesOrFails() {
        let advanced = event(order(.recurring), success).action
        #expect(
            advanced.subscription == .advance && advanced.processFulfilments
                && advanced.nextBilling == .init(gatewayID: "7", method: .asBefore))
        let failed = event(order(.recurring), failure).action
        #expect(failed.subscription == .recycleFailed && !failed.processFulfilments)
    }

    @Test func aSkipLeavesTheCRMToItsRulesAndARejectionAsksForMending() {
        for reason in SkipReason.allCases where ![.inRecovery, .alreadyRecovered, .firstChargeUnknown].contains(reason) {
            #expect(event(order(.newSale), .skipped(reason)).action == .followOwnRules)
        }
        // Whoever charges again before he has looked may charge twice.
        for type in OrderType.allCases { #expect(event(order(type), .skipped(.firstChargeUnknown)).action == .lookUpFirstCharge) }
        for reason in ResultReason.Rejection.allCases { #expect(event(order(.newSale), .rejected(reason)).action == .correctAndResend) }
    }

    /// Another recovery of the same debt decides: the CRM charges it nowhere meanwhile.
    @Test func whatStandsBehindAnotherRecoveryIsNoLeaveToChargeElsewhere() throws {
        #expect(
            event(order(.newSale), .skipped(.inRecovery)).action == .awaitResult
                && event(order(.newSale), .unresolved).action == .awaitResult)
        let paid = event(order(.recurring), .skipped(.alreadyRecovered)).action
        #expect(paid.name == .leaveOrder && paid.orderStatus == .unchanged && paid.subscription == .unchanged && !paid.processFulfilments)
        let other = try #require(RecoveryReference("A-U1"))
        let data = try #require(
            JSONValue(parsing: event(order(.newSale), success).naming(other, .skipped(.inRecovery)).encoded().span)["data"])
        #expect(data["otherRecovery"]?.string == "A-U1" && data["reason"]?["code"]?.string == "in_recovery" && data["final"]?.bool == true)
    }

    @Test func aCorrectionNamesWhatItTakesThePlaceOfAndSaysWhatIsTrueNow() throws {
        let correction = event(order(.newSale), success).correcting(.skipped)
        let value = try JSONValue(parsing: correction.encoded().span)
        #expect(value["id"]?.string == "A-S0/correction/approved" && value["type"]?.string == "com.salvage.recovery.correction.v1")
        #expect(value["data"]?["corrects"]?.string == "A-S0/skipped" && value["data"]?["result"]?.string == "success")
        #expect(value["data"]?["final"]?.bool == false && value["data"]?["action"]?["name"]?.string == "complete_order")
    }

    /// What cannot be cancelled says nothing of whether it was charged: it must not send the CRM to another gateway.
    @Test func anAnswerToACommandEndsNothingAndLeavesTheOrderAlone() {
        let reference = RecoveryReference(orderID: "A", kind: .recurring, sequence: 7)
        for end in CancelEnd.allCases {
            let answer = ResultEvent(
                subject: .command(id: "c-1", reference), merchantID: "acme", reason: .nothingToCancel(end),
                occurredAt: Moment(milliseconds: 0),
                origin: DeclineOrigin(eventID: "c-1"))
            #expect(answer.id == "command:c-1/A-R7/nothing_to_cancel" && answer.orderType == .recurring && !answer.isFinal)
            #expect(answer.action.name == .leaveOrder && answer.kind.success == nil)
        }
        let faulty = ResultEvent(
            subject: .command(id: "c-1", orderID: "A", .recurring), merchantID: "acme", reason: .rejected(.invalidCommand),
            occurredAt: Moment(milliseconds: 0))
        #expect(faulty.id == "command:c-1/rejected" && !faulty.isFinal && !faulty.reason.sentence.contains("decline event"))
    }

    @Test func aResultNamesTheDeclineThatItAnswersAndWhetherItIsTheLastWord() throws {
        func data(_ kind: RecoveryReference.Kind, _ reason: ResultReason, _ origin: DeclineOrigin) throws -> JSONValue {
            let event = ResultEvent(
                subject: .recovery(RecoveryReference(orderID: "A", kind: kind, sequence: 7), order(.recurring)), merchantID: "acme",
                reason: reason,
                occurredAt: Moment(milliseconds: 0), origin: origin)
            return try #require(JSONValue(parsing: event.encoded().span)["data"])
        }
        let whole = try data(.recurring, success, DeclineOrigin(eventID: "d-1", trigger: .recycle, transactionID: "T-1"))
        #expect(whole["eventId"]?.string == "d-1" && whole["trigger"]?.string == "recycle" && whole["transactionId"]?.string == "T-1")
        #expect(whole["final"]?.bool == true)
        // A webhook knows only the reference, which says why it was sent.
        let bare = try data(.recurringRerun, .refunded, DeclineOrigin())
        #expect(
            bare["eventId"] == nil && bare["transactionId"] == nil && bare["trigger"]?.string == "rerun" && bare["final"]?.bool == false)
        for kind in ResultKind.allCases {
            #expect(
                kind.isFinal == ![.submitted, .refunded, .refundFailed, .chargeback, .nothingToCancel, .correction, .unresolved].contains(
                    kind))
        }
    }

    @Test func anEventsIDIsReadableAndFollowsFromRecoveryAndKind() {
        #expect(event(order(.newSale), success).id == "A-S0/approved")
        #expect(event(order(.newSale), .approved(.reconciled)).id == "A-S0/approved")
        let unnamed = ResultEvent(
            subject: .event(id: "d-1", orderID: nil), merchantID: nil, reason: .rejected(.invalidEvent), occurredAt: Moment(milliseconds: 0)
        )
        #expect(unnamed.id == "event:d-1/rejected")
    }

    /// Of the order that is named: where there is none, nothing became of it.
    @Test(
        arguments: [
            (.submitted, "SUBMITTED"), (.approved(.answered), "APPROVED"), (.approved(.notified), "COMPLETED"), (.approved(.polled), nil),
            (.declined(.byFlexFactor), "DECLINED"), (.declined(.challenge), "CHALLENGE"), (.declined(.reconciled), "CANCELLED"),
            (.cancelled, "CANCELLED"), (.expired(.atExpiry), "CANCELLED"), (.chargeback, "CHARGEBACK"), (.refunded, nil),
            (.unresolved, nil),
        ] as [(ResultReason, String?)])
    func whatBecameOfTheOrderIsSaidInFlexFactorsWords(reason: ResultReason, status: String?) throws {
        func said(_ order: FlexFactorOrderID?) throws -> JSONValue? {
            let event = ResultEvent(
                subject: .recovery(RecoveryReference(orderID: "A", kind: .sale, sequence: 0), self.order(.newSale)), merchantID: "acme",
                reason: reason, gatewayID: "42", flexFactorOrderID: order, occurredAt: Moment(milliseconds: 0))
            return try JSONValue(parsing: event.encoded().span)["data"]?["flexFactor"]
        }
        #expect(try said("g-1")?["status"]?.string == status)
        let unnamed = try said(nil)
        #expect(unnamed?["status"] == nil && unnamed?["gatewayId"]?.string == "42")
    }

    @Test func successIsSaidOnlyWhereMoneyWasTaken() {
        let reasons: [ResultReason] =
            RecoveryOutcome.Approval.allCases.map { .approved($0) } + RecoveryOutcome.Refusal.allCases.map { .declined($0) }
            + CancelEnd.allCases.map { .nothingToCancel($0) }
            + SkipReason.allCases.map { .skipped($0) } + ResultReason.Rejection.allCases.map { .rejected($0) }
        for reason in reasons {
            if case .approved = reason { #expect(reason.kind.success == true) } else { #expect(reason.kind.success != true) }
            #expect(!reason.code.isEmpty && reason.sentence.hasSuffix("."))
        }
        #expect(Set(reasons.map(\.code)).count == reasons.count)
    }
}
