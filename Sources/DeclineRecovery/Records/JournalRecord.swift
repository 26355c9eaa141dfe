import JSON

/// One transition of a recovery, without a person's data: what `salvage trace` and the console tell its story from (ARCHITECTURE.md,
/// "Dead letters and the journal are streams"; schemas/journal.v1.schema.json).
package struct JournalRecord: Sendable, Equatable {
    package static let type = "com.salvage.journal.v1"

    package let at: Moment
    package let stage: Stage
    package let merchantID: MerchantID?
    package let reference: RecoveryReference
    package let gatewayID: GatewayID?
    package let fate: Fate
    /// The next stage, the kind of the result, the phase that waits, or why nothing follows.
    package let detail: String
    package let reason: String?
    /// What the CRM was told to do, where this step told it: of what is told again, and of a part, the reason alone does not say it.
    package let action: CRMAction.Name?
    /// The recovery of the same debt that decides, where this one was told that another stands in its way.
    package let otherRecovery: RecoveryReference?
    /// The rule that decided the class.
    package let rule: String?
    /// Where this step decided it.
    package let declineClass: DeclineClass?
    /// Until when it is put away.
    package let until: Moment?
    package let attempts: Int
    /// What is to be recovered, or of what was told: what was taken, or went back; where this step knows it.
    package let amount: Money?
    /// Why the decline was sent, and which way it takes.
    package let trigger: TriggerWord?
    package let route: String?
    /// When the charge was declined, where this step knows it.
    package let declinedAt: Moment?
    package let flexFactorOrderID: FlexFactorOrderID?
    /// What is true now, where a correction was told.
    package let becomes: ResultKind?
    /// Of refunds and chargebacks: one recovery may have several, and each may be told again.
    package let resultID: String?
    /// Who declined and why, e.g. `nmi/201`, where this step knows it.
    package let declineCode: String?
    /// What the mapping was asked, where this step asked it.
    package let decline: JournaledDecline?
    /// Fields of the event that were left out or cut.
    package let notes: [String]
    package let workerID: String

    package init(
        at: Moment, stage: Stage, merchantID: MerchantID?, reference: RecoveryReference, gatewayID: GatewayID?, fate: Fate,
        detail: String,
        reason: String? = nil, rule: String? = nil, declineClass: DeclineClass? = nil, until: Moment? = nil, attempts: Int,
        amount: Money? = nil,
        declineCode: String? = nil, decline: JournaledDecline? = nil, notes: [String] = [], trigger: TriggerWord? = nil,
        route: String? = nil, declinedAt: Moment? = nil, flexFactorOrderID: FlexFactorOrderID? = nil, becomes: ResultKind? = nil,
        resultID: String? = nil, action: CRMAction.Name? = nil, otherRecovery: RecoveryReference? = nil, workerID: String
    ) {
        self.at = at
        self.stage = stage
        self.merchantID = merchantID
        self.reference = reference
        self.gatewayID = gatewayID
        self.fate = fate
        self.detail = detail
        self.reason = reason
        self.action = action
        self.otherRecovery = otherRecovery
        self.rule = rule
        self.declineClass = declineClass
        self.until = until
        self.attempts = attempts
        self.amount = amount
        self.declineCode = declineCode
        self.decline = decline
        self.notes = notes
        self.trigger = trigger
        self.route = route
        self.declinedAt = declinedAt
        self.flexFactorOrderID = flexFactorOrderID
        self.becomes = becomes
        self.resultID = resultID
        self.workerID = workerID
    }

    package var id: String { reference.text.with("/journal/", String(at.milliseconds), "/", stage.rawValue, "/", fate.word) }

    package func encoded() -> [UInt8] { encoded(as: id) }

    /// - Parameter id: its own, for whoever has it at hand.
    package func encoded(as id: String) -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, subject: reference.text, time: at) { data in
            data.member("at", at.milliseconds)
            data.member("stage", stage.rawValue)
            data.optional("merchantId", merchantID?.text)
            data.member("recoveryReference", reference.text)
            data.member("orderId", reference.orderID)
            data.optional("gatewayId", gatewayID?.text)
            data.member("fate", fate.word)
            data.member("detail", detail)
            data.optional("reason", reason)
            data.optional("action", action?.rawValue)
            data.optional("otherRecovery", otherRecovery?.text)
            data.optional("rule", rule)
            data.optional("class", declineClass?.rawValue)
            data.optional("until", until?.milliseconds)
            data.member("attempts", Int64(attempts))
            if let amount {
                data.member("minorUnits", amount.minorUnits)
                data.member("currency", amount.currency.code)
            }
            data.optional("trigger", trigger?.rawValue)
            data.optional("route", route)
            data.optional("declinedAt", declinedAt?.milliseconds)
            data.optional("flexFactorOrderId", flexFactorOrderID?.text)
            data.optional("becomes", becomes?.rawValue)
            data.optional("resultId", resultID)
            data.optional("declineCode", declineCode)
            if let decline { data.object("decline") { decline.write(to: &$0) } }
            if !notes.isEmpty {
                data.array("notes") { list in
                    for note in notes { list.element(note) }
                }
            }
            data.member("worker", workerID)
        }
    }

    package static func decode(_ bytes: [UInt8]) -> JournalRecord? {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            let currency = try reader.optionalText("currency").flatMap { Currency($0) }
            let units = try reader.optionalNumber("minorUnits").flatMap { Money.plausible.contains($0) ? $0 : nil }
            let amount = units.flatMap { units in currency.map { Money(minorUnits: units, currency: $0) } }
            let (reason, other) = split(try reader.optionalText("reason"))
            return JournalRecord(
                at: try reader.moment("at"), stage: try reader.word("stage"),
                merchantID: try reader.optionalText("merchantId").map(MerchantID.init(_:)),
                reference: try reader.reference("recoveryReference"),
                gatewayID: try reader.optionalText("gatewayId").map(GatewayID.init(_:)),
                fate: Fate(try reader.text("fate")),
                detail: try reader.text("detail"), reason: reason, rule: try reader.optionalText("rule"),
                declineClass: try reader.optionalText("class").flatMap(DeclineClass.init(rawValue:)),
                until: try reader.optionalMoment("until"), attempts: try reader.count("attempts"),
                amount: amount, declineCode: try reader.optionalText("declineCode"), decline: JournaledDecline(reader.value("decline")),
                notes: (reader.value("notes")?.array ?? []).compactMap(\.string),
                trigger: try reader.optionalText("trigger").flatMap(TriggerWord.init(rawValue:)), route: try reader.optionalText("route"),
                declinedAt: try reader.optionalMoment("declinedAt"),
                flexFactorOrderID: try reader.optionalText("flexFactorOrderId").map(FlexFactorOrderID.init(_:)),
                becomes: try reader.optionalText("becomes").flatMap(ResultKind.init(rawValue:)),
                resultID: try reader.optionalText("resultId"),
                action: try reader.optionalText("action").flatMap(CRMAction.Name.init(rawValue:)),
                otherRecovery: try reader.optionalText("otherRecovery").flatMap { RecoveryReference($0) } ?? other,
                workerID: try reader.text("worker"))
        } catch {
            return nil
        }
    }

    /// Records of before named the other recovery in brackets behind the reason.
    private static func split(_ reason: String?) -> (reason: String?, other: RecoveryReference?) {
        guard let reason, reason.hasSuffix(")"), let space = reason.firstIndex(of: " "),
            let other = RecoveryReference(String(reason[space...].dropFirst(2).dropLast()))
        else { return (reason, nil) }
        return (String(reason[..<space]), other)
    }
}
