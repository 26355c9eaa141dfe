@testable import DeclineRecovery
import Testing

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
        #expect(advanced.subscription == .advance && advanced.processFulfilments && advanced.nextBilling == .init(gatewayID: "7", method: .asBefore))
        let failed = event(order(.recurring), failure).action
        #expect(failed.subscription == .recycleFailed && !failed.processFulfilments)
    }

    @Test func aSkipLeavesTheCRMToItsRulesAndARejectionAsksForMending() {
        for reason in SkipReason.allCases { #expect(event(order(.newSale), .skipped(reason)).action == .followOwnRules) }
        for reason in ResultReason.Rejection.allCases { #expect(event(order(.newSale), .rejected(reason)).action == .correctAndResend) }
    }

    @Test func anEventsIDIsReadableAndFollowsFromRecoveryAndKind() {
        #expect(event(order(.newSale), success).id == "A-S0/approved")
        #expect(event(order(.newSale), .approved(.reconciled)).id == "A-S0/approved")
        let unnamed = ResultEvent(
            subject: .event(id: "d-1", orderID: nil), merchantID: nil, reason: .rejected(.invalidEvent), occurredAt: Moment(milliseconds: 0))
        #expect(unnamed.id == "event:d-1/rejected")
    }

    @Test func successIsSaidOnlyWhereMoneyWasTaken() {
        let reasons: [ResultReason] =
            RecoveryOutcome.Approval.allCases.map { .approved($0) } + RecoveryOutcome.Refusal.allCases.map { .declined($0) }
            + SkipReason.allCases.map { .skipped($0) } + ResultReason.Rejection.allCases.map { .rejected($0) }
        for reason in reasons {
            if case .approved = reason { #expect(reason.kind.success == true) } else { #expect(reason.kind.success != true) }
            #expect(!reason.code.isEmpty && reason.sentence.hasSuffix("."))
        }
        #expect(Set(reasons.map(\.code)).count == reasons.count)
    }
}
