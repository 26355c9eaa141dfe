package import DeclineRecovery
package import JSON

/// What the CRM was told, as the journal keeps it; of an event that names no recovery, as its letter does.
package struct ToldResult: Sendable, Equatable {
    package let at: Moment
    package let kind: ResultKind
    package let reason: String
    /// What it told the CRM to do; `nil` where a worker of an older version told it once more, and did not say.
    package let action: CRMAction.Name?
    /// With `in_recovery` and `already_recovered`: the recovery that decides.
    package let otherRecovery: RecoveryReference?
    package let reference: RecoveryReference?
    package let orderID: String?
    package let merchantID: MerchantID?
    package let gatewayID: GatewayID?

    init?(_ record: JournalRecord) {
        switch record.fate {
        case .told:
            guard let kind = ResultKind(rawValue: record.detail) else { return nil }
            (self.kind, reason) = (kind, record.reason ?? record.detail)
        case .rejected: (kind, reason) = (.rejected, record.detail)
        case .deadLettered:
            guard DeadLetterReason(rawValue: record.detail)?.crmWasTold == .skipped else { return nil }
            (kind, reason) = (.skipped, SkipReason.flexFactorUnavailable.rawValue)
        case .passed, .parked, .ignored, .foreign: return nil
        }
        at = record.at
        action = record.action ?? ToldResult.action(kind, reason, record)
        otherRecovery = record.otherRecovery
        reference = record.reference
        orderID = record.reference.orderID
        merchantID = record.merchantID
        gatewayID = record.gatewayID
    }

    /// What followed where the record does not say it: from the reason, for the kind alone is not enough.
    private static func action(_ kind: ResultKind, _ reason: String, _ record: JournalRecord) -> CRMAction.Name? {
        if kind == .rejected { return .correctAndResend }
        guard let reason = ResultReason(code: reason), !reason.kind.isMoneyBack else { return nil }
        return CRMAction(after: reason, of: RecoveredOrder(record.reference)).name
    }

    init?(_ letter: DeadLetter) {
        guard let kind = letter.crmWasTold else { return nil }
        self.kind = kind
        at = letter.writtenAt
        reason = letter.reason.rawValue
        action = CRMAction(after: kind, of: nil).name
        otherRecovery = nil
        reference = letter.subject.reference
        orderID = letter.subject.orderID
        merchantID = letter.subject.merchantID
        gatewayID = letter.subject.gatewayID
    }

    package var json: JSONValue {
        let members: [(String, JSONValue?)] = [
            ("at", .integer(at.milliseconds)), ("result", .string(kind.rawValue)), ("reason", .string(reason)),
            ("action", action.map { .string($0.rawValue) }), ("otherRecovery", otherRecovery.map { .string($0.text) }),
            ("recoveryReference", reference.map { .string($0.text) }), ("orderId", orderID.map(JSONValue.string)),
            ("merchantId", merchantID.map { .string($0.text) }), ("gatewayId", gatewayID.map { .string($0.text) }),
        ]
        return .object(of: members)
    }
}
