package import DeclineRecovery
import JSON

/// The stream of claims, as the stages need it.
package protocol ClaimsPort: Sendable {
    /// What is known here of a recovery. It may be late; only a claim is sure.
    func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing?

    /// Appends a claim and waits until the stream has shown it to this process.
    ///
    /// Always returns in time; `nil` when the claim could not be made or was not seen. It may stand on the stream even so, and its maker
    /// must not act on it.
    func claim(_ request: ClaimRequest) async -> Claimed?

    /// The record that stands at a place of the stream.
    func record(at offset: Int64) async -> ClaimRecord?

    /// Where the recoveries are named that a cancel command by order, purchase and cycle may mean (`ClaimBook`).
    func claims(of rebill: Debt) -> [ClaimBook.NamedClaim]

    /// The claim of what FlexFactor may have of a recovery; the first, if it may have nothing.
    func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim?
}

extension ClaimsPort {
    /// For how much a recovery is, as far as that can be read.
    func amount(of reference: RecoveryReference, merchant: MerchantID) async -> Money? {
        await first(of: reference, merchant: merchant)?.saleAmount
    }

    /// Waits until all is known here that was claimed by now: a claim of nothing comes back behind it. This process may be behind, and what it has
    /// not read it does not know.
    ///
    /// - Returns: how long that counts as all, before what cannot be taken back; `nil` where it cannot be known now.
    func readAll(at now: Moment) async -> ContinuousClock.Instant? {
        let nothing = ClaimRequest(
            merchantID: "", reference: RecoveryReference(orderID: "Reading", kind: .rerun, sequence: 0), debt: nil, amount: nil,
            act: .unsent(0), until: now)
        return await claim(nothing)?.goodUntil
    }

    /// The retries of a rebill that run or wait, or of which was told what answers a cancel command, charges of their own among them, if it can
    /// mean them: those that were declined before it was given. Of what an older worker claimed that is not known; what was claimed later was
    /// declined later, but for what waited.
    ///
    /// - Parameter time: when it was given, by the CRM's clock.
    /// - Parameter takenIn: when it came, by our own.
    /// - Parameter passingOver: without what has ended and cannot be read: its first claim may have left the stream for good.
    /// - Returns: `nil` where one cannot be read now.
    func retries(
        of rebill: Debt, givenAt time: Moment, takenIn: Moment, passingOver isEnoughThatRuns: Bool
    ) async -> [RecoveryReference]? {
        var meant: [RecoveryReference] = []
        for named in claims(of: rebill) {
            guard let claim = await record(at: named.place)?.claim else {
                if !named.isOpen, isEnoughThatRuns { continue }
                return nil
            }
            let reference = claim.reference
            let isMeant =
                claim.declinedAt.map { $0 <= time + CancelBook.allowance } ?? (claim.at <= min(time, takenIn) + CancelBook.allowance)
            guard claim.isOf(rebill), reference.kind.isRetry, reference.tag != nil, isMeant, !meant.contains(reference) else { continue }
            meant.append(reference)
        }
        return meant
    }
}

extension Claim {
    /// Whether it is of this debt, or of a charge of its own beside it.
    fileprivate func isOf(_ rebill: Debt) -> Bool {
        let name = Fingerprint(of: rebill)
        return debt == name || Fingerprint(of: Debt(order ?? RecoveredOrder(reference), of: merchantID).rebill) == name
    }
}

/// A claim to be made. Who makes it and when is the port's to say.
package final class ClaimRequest: Sendable {
    package let merchantID: MerchantID
    package let reference: RecoveryReference
    package let debt: Fingerprint?
    package let amount: Money?
    package let act: Claim.Act
    package let until: Moment
    package let result: ResultEvent?
    package let gateway: ClaimedGateway?
    package let orderID: FlexFactorOrderID?
    package let order: RecoveredOrder?
    package let declinedAt: Moment?
    package let decline: ClaimedDecline?
    package let edition: UInt64?

    package init(
        merchantID: MerchantID, reference: RecoveryReference, debt: Fingerprint?, amount: Money?, act: Claim.Act, until: Moment,
        result: ResultEvent? = nil, gateway: ClaimedGateway? = nil, orderID: FlexFactorOrderID? = nil, order: RecoveredOrder? = nil,
        declinedAt: Moment? = nil, decline: ClaimedDecline? = nil, edition: UInt64? = nil
    ) {
        self.merchantID = merchantID
        self.reference = reference
        self.debt = debt
        self.amount = amount
        self.act = act
        self.until = until
        self.result = result
        self.gateway = gateway
        self.orderID = orderID
        self.order = order
        self.declinedAt = declinedAt
        self.decline = decline
        self.edition = edition
    }

    /// - Parameter isAmountKnown: whether what was taken, if anything was, is known to be the recovery's amount.
    convenience init(
        _ act: Claim.Act, of recovery: Recovery, telling result: ResultEvent?, isAmountKnown: Bool = true, at now: Moment
    ) {
        let life: Moment =
            switch recovery.route {
            case .cascade(let deadline): deadline
            case .retry(_, let until): until
            }
        self.init(
            merchantID: recovery.merchantID, reference: recovery.reference,
            debt: Fingerprint(of: Debt(recovery.order, of: recovery.merchantID)),
            amount: isAmountKnown ? recovery.amount : nil, act: act, until: max(now, max(recovery.declinedAt, life)) + Claim.longestMemory,
            result: result,
            gateway: act.isSend ? ClaimedGateway(merchantID: recovery.merchantID, id: recovery.gatewayID, account: recovery.account) : nil,
            orderID: act.isExists ? recovery.phase.orderID : nil,
            order: act.saysWhatItIsFor ? recovery.order.beyond(recovery.reference) : nil,
            declinedAt: act.saysWhatItIsFor ? recovery.declinedAt : nil,
            decline: act.saysWhatItIsFor && recovery.reference.kind.isRetry
                ? ClaimedDecline(gatewayID: recovery.gatewayID, verdict: recovery.verdict, origin: recovery.origin) : nil,
            edition: act.isRefused && result != nil ? recovery.edition : nil)
    }

    /// The record that is appended.
    package func record(id: Claim.ID, at now: Moment, worker: String) -> ClaimRecord {
        ClaimRecord(
            Claim(
                id: id, merchantID: merchantID, reference: reference, debt: debt, amount: amount, act: act, at: now, until: max(until, now),
                worker: worker, gateway: gateway, orderID: orderID, order: order, declinedAt: declinedAt, decline: decline,
                edition: edition),
            result: result?.encoded())
    }
}

package struct Claimed: Sendable {
    package let id: Claim.ID
    package let verdict: ClaimVerdict<ClaimRecord>
    /// It took longer than a grant is good for.
    package let isStale: Bool
    /// Until when a grant may be acted on: what comes later is to be claimed anew.
    package let goodUntil: ContinuousClock.Instant

    /// - Parameter begun: when it was claimed.
    package init(
        id: Claim.ID, verdict: ClaimVerdict<ClaimRecord>, isStale: Bool = false, begun: ContinuousClock.Instant = ContinuousClock.now
    ) {
        self.id = id
        self.verdict = verdict
        self.isStale = isStale
        goodUntil = begun.advanced(by: .milliseconds(Claim.validity.milliseconds))
    }
}

extension ClaimVerdict {
    /// It holds, and somebody else's request may be out there.
    var isBeside: Bool { if case .granted(alone: false, _) = self { true } else { false } }
}

extension Claim.Act {
    var isSend: Bool { if case .send = self { true } else { false } }
    var isExists: Bool { if case .exists = self { true } else { false } }
    var isRefused: Bool { if case .refused = self { true } else { false } }
}

/// Tells final results, each once: by a claim before it, or what was told first in its place.
struct Teller: Sendable {
    let claims: any ClaimsPort

    enum Telling: Sendable {
        /// Tell this.
        case tell(ResultEvent)
        /// It was told before, and is told again as it was.
        case again(ClaimRecord)
        /// A request of its recovery may be out there, and its own message will tell; or that of the decline's other form, which is named.
        case underWay(RecoveryReference?)
        /// No claim can be made now.
        case hold
    }

    /// - Parameter debt: `nil` where only the reference is at hand.
    /// - Parameter edition: of which publication of the event it is, where it is the answer to one.
    /// - Parameter refused: the last post that FlexFactor refused to another.
    func tell(
        _ event: ResultEvent, _ basis: Claim.Basis, of reference: RecoveryReference, merchant: MerchantID, debt: Fingerprint?,
        until: Moment, edition: UInt64? = nil, refused: Int = 0
    ) async -> Telling {
        let kind = event.reason.kind
        let told = Claim.Told(
            kind, basis, refused: basis == .unsent ? refused : nil, unlessPaid: basis == .known && kind != .approved && kind != .skipped)
        let request = ClaimRequest(
            merchantID: merchant, reference: reference, debt: debt, amount: event.amount, act: .told(told), until: until, result: event)
        switch await claims.claim(request)?.verdict {
        case .granted(_, let corrects)?: return .tell(event.correcting(corrects))
        case .told(let record, _)?: return .again(record)
        case .nextPost(_, let refusal?)? where refusal.isRefusal(of: edition): return .again(refusal)
        case .nextPost(let post, _?)?:
            return await tell(
                event, basis, of: reference, merchant: merchant, debt: debt, until: until, edition: edition, refused: post - 1)
        case .mayBeCharged?, .askedTooEarly?, .nextPost?: return .underWay(nil)
        case .otherForm(let record, _)?: return .underWay(record.claim.reference)
        case .inRecovery(let record)?:
            return await tell(
                event.naming(record.claim.reference, .skipped(.inRecovery)), .pointer, of: reference, merchant: merchant, debt: debt,
                until: until)
        case .recovered(let record)?:
            return await tell(
                event.naming(record.claim.reference, .skipped(.alreadyRecovered)), basis.besidesPaid, of: reference, merchant: merchant,
                debt: debt, until: until)
        case nil: return .hold
        }
    }
}

/// What was told of a recovery, as far as it is known here.
enum LastTold: Sendable {
    case told(ClaimRecord)
    /// It is under way.
    case notYet
    /// Nothing is known of the recovery: never, or no longer.
    case unknown
    /// It was told, as what kind, and the stream does not show the rest: not now, or not any more.
    case unreadable(ResultKind)
}

extension ClaimsPort {
    func told(of reference: RecoveryReference, merchant: MerchantID) async -> LastTold {
        guard let standing = standing(of: reference, merchant: merchant) else { return .unknown }
        guard let told = standing.told else { return standing.mayBeCharged ? .notYet : .unknown }
        return await record(at: told.offset).map(LastTold.told) ?? .unreadable(told.kind)
    }
}

extension ClaimRecord {
    /// One of which nobody tells an amount is not known to be, whatever an older worker took it for.
    var isWholeChargeback: Bool {
        guard case .moneyBack(let back) = claim.act, claim.amount != nil else { return false }
        return switch back.step {
        case .told(.chargeback, _, let isWhole), .untold(let isWhole): isWhole
        default: false
        }
    }

    /// FlexFactor's order that the result names.
    package var flexFactorOrderID: FlexFactorOrderID? {
        guard let result, let value = try? JSONValue(parsing: result.span) else { return nil }
        return value["data"]?["flexFactor"]?["orderId"]?.string.map(FlexFactorOrderID.init(_:))
    }

    /// The gateway that the result names.
    package var gatewayID: GatewayID? {
        guard let result, let value = try? JSONValue(parsing: result.span) else { return nil }
        return value["data"]?["flexFactor"]?["gatewayId"]?.string.map(GatewayID.init(_:))
    }

    /// The order of a challenge that was told as declined. Whether it stood open the result does not say.
    var challengedOrderID: FlexFactorOrderID? {
        guard claim.act.telling == .declined, let result, let data = try? JSONValue(parsing: result.span)["data"],
            data["reason"]?["code"]?.string == ResultReason.declined(.challenge).code
        else { return nil }
        return data["flexFactor"]?["orderId"]?.string.map(FlexFactorOrderID.init(_:))
    }

    /// What FlexFactor refused, as it was told; `nil` where that was not told.
    var refusal: (resultID: String, faults: [FieldError])? {
        guard case .refused = claim.act, let result, let value = try? JSONValue(parsing: result.span), let id = value["id"]?.string
        else { return nil }
        let faults = value["data"]?["faults"]?.array ?? []
        return (
            id, faults.map { FieldError(path: $0["path"]?.string ?? "", message: $0["message"]?.string ?? "") }
        )
    }

    /// In how many calls FlexFactor could not be reached, where that was told.
    var attemptsInVain: Int? {
        guard claim.act.telling == .skipped, let result, let data = try? JSONValue(parsing: result.span)["data"],
            data["reason"]?["code"]?.string == ResultReason.skipped(.flexFactorUnavailable).code
        else { return nil }
        return Int(clamping: data["attempts"]?.int64 ?? 0)
    }

    /// Whether the result names an order, and not this one.
    func isOfAnotherOrder(than other: FlexFactorOrderID?) -> Bool {
        guard let id = flexFactorOrderID, let other else { return false }
        return !id.isSame(as: other)
    }

    /// The result as it was told, for everybody and for whoever waits now.
    func messages(reply: ReplyAddress?, traceparent: String?) -> [StageMessage] {
        guard let result, let kind = claim.act.telling, var value = try? JSONValue(parsing: result.span) else { return [] }
        if let corrects { value = correction(value, of: corrects, kind) }
        guard let id = value["id"]?.string, let type = value["type"]?.string else { return [] }
        let body = corrects == nil ? result : value.bytes
        let orderType = value["data"]?["order"]?["type"]?.string.flatMap(OrderType.init(rawValue:))
        let message = StageMessage(
            to: .results(orderType, corrects == nil ? kind : .correction), messageID: id, type: type, correlationID: reply?.correlationID,
            traceparent: traceparent, body: body)
        guard let reply else { return [message] }
        return [
            message,
            StageMessage(
                to: .reply(queue: reply.queue), messageID: id, type: type, correlationID: reply.correlationID, traceparent: traceparent,
                body: body),
        ]
    }

    /// The result as the correction that it was told as; what it corrects was not known when it was claimed.
    private func correction(_ event: JSONValue, of kind: ResultKind, _ now: ResultKind) -> JSONValue {
        let reference = claim.reference.text
        return event.replacing("id", .string("\(reference)/\(ResultKind.correction.rawValue)/\(now.rawValue)"))
            .replacing("type", .string(ResultKind.correction.messageType))
            .replacing(
                "data",
                (event["data"] ?? .null).replacing("final", .bool(false), adding: ("corrects", .string("\(reference)/\(kind.rawValue)"))))
    }

    /// What the CRM was told to do, and for which other recovery it waits.
    var whatItSaid: (action: CRMAction.Name?, other: RecoveryReference?) {
        guard let result, let data = try? JSONValue(parsing: result.span)["data"] else { return (nil, nil) }
        return (
            data["action"]?["name"]?.string.flatMap(CRMAction.Name.init(rawValue:)),
            data["otherRecovery"]?.string.flatMap { RecoveryReference($0) }
        )
    }

    /// The amount that the result names.
    var toldAmount: Money? {
        guard let result, let amount = (try? JSONValue(parsing: result.span))?["data"]?["amount"],
            let units = amount["minorUnits"]?.int64, let currency = amount["currency"]?.string.flatMap({ Currency($0) })
        else { return nil }
        return Money(minorUnits: units, currency: currency)
    }

    /// What was told, in a line.
    var fate: StageOutcome.Kind {
        guard let kind = claim.act.telling else { return .ignored("claimed before") }
        // Nothing is mended by it.
        if case .refused = claim.act { return .rejected(reason: ResultReason.rejected(.refusedByFlexFactor).code) }
        return .told(corrects == nil ? kind : .correction, reason: ToldMoney.again)
    }
}

extension JSONValue {
    /// An object with one member replaced, and another put behind it.
    fileprivate func replacing(_ name: String, _ value: JSONValue, adding more: (String, JSONValue)? = nil) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(
            members.flatMap { member in
                guard member.name == name else { return [member] }
                return [Member(name, value)] + (more.map { [Member($0.0, $0.1)] } ?? [])
            })
    }
}
