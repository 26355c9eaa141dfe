import JSON

extension ClaimRecord {
    package static let type = "com.salvage.recovery.claim.v1"

    /// The message on the stream (schemas/claim.v1.schema.json).
    package func encoded() -> [UInt8] {
        let claim = claim
        let claimID = String(claim.id, radix: 36)
        return CloudEvent.encode(
            id: claim.reference.text.with("/claim/", claimID), type: Self.type, subject: claim.reference.text,
            reserving: 512 + (result?.count ?? 0) * 5 / 4
        ) { data in
            data.member("claim", claim.act.word)
            data.member("claimId", claimID)
            data.member("merchantId", claim.merchantID.text)
            data.member("reference", claim.reference.text)
            if let debt = claim.debt { data.member("debt", atMost: Fingerprint.hexLength) { debt.writeHex(to: $0) } }
            data.optional("minorUnits", claim.amount?.minorUnits)
            data.optional("currency", claim.amount?.currency.code)
            data.member("at", claim.at.milliseconds)
            data.member("until", claim.until.milliseconds)
            data.member("worker", claim.worker)
            data.optional("gateway", claim.gateway?.id.text)
            data.optional("account", claim.gateway?.account)
            switch claim.act {
            case .send(let post):
                data.member("post", Int64(post))
                claim.writeWhatItIsFor(to: &data)
            case .unsent(let id): data.member("of", String(id, radix: 36))
            case .waiting:
                data.member("of", "0")
                data.member("waits", true)
                claim.writeWhatItIsFor(to: &data)
            case .refused(let id, let isLast):
                data.member("of", String(id, radix: 36))
                if isLast { data.member("isLast", true) }
                data.optional("edition", claim.edition.map { String($0, radix: 36) })
            case .exists(let id):
                data.optional("of", id.map { String($0, radix: 36) })
                data.optional("flexFactorOrderId", claim.orderID?.text)
            case .told(let told):
                data.member("kind", told.kind.rawValue)
                data.member("basis", told.basis.rawValue)
                data.optional("of", told.withdrawing.map { String($0, radix: 36) })
                data.optional("seen", told.seen.map { String($0, radix: 36) })
                data.optional("refused", told.refused.map(Int64.init))
                if told.unlessPaid { data.member("unlessPaid", true) }
            case .reopened(.paidBack): break
            case .reopened(.byOperator(let who, let why)):
                data.member("who", who)
                data.member("why", why)
            case .moneyBack(let back): back.write(to: &data)
            }
            if let result = self.result { data.member("result", utf8: result) }
        }
    }

    /// `nil` for what is no claim, or one of a later version.
    package static func decode(_ bytes: [UInt8]) -> ClaimRecord? {
        do throws(EnvelopeFault) {
            let data = try CloudEvent.data(of: bytes, type: type)
            func id(_ name: StaticString) throws(EnvelopeFault) -> Claim.ID? {
                guard let text = try data.optionalText(name) else { return nil }
                guard let id = UInt64(text, radix: 36) else { throw data.fault(name, "a claim's id") }
                return id
            }
            func required(_ name: StaticString) throws(EnvelopeFault) -> Claim.ID {
                guard let id = try id(name) else { throw data.fault(name, "a claim's id") }
                return id
            }
            let reference = try data.reference("reference")
            let act: Claim.Act
            var orderID: FlexFactorOrderID?
            var order: RecoveredOrder?
            var declinedAt: Moment?
            var decline: ClaimedDecline?
            var edition: UInt64?
            switch try data.text("claim") {
            case "send": act = .send(post: try data.count("post"))
            case "unsent": act = try data.optionalFlag("waits") ?? false ? .waiting : .unsent(try required("of"))
            case "exists":
                act = .exists(answering: try id("of"))
                orderID = try data.optionalText("flexFactorOrderId").map(FlexFactorOrderID.init(_:))
            case "refused":
                act = .refused(try required("of"), isLast: try data.optionalFlag("isLast") ?? false)
                edition = try id("edition")
            case "told":
                act = .told(
                    Claim.Told(
                        try data.word("kind"), try data.word("basis"), withdrawing: try id("of"), seen: try id("seen"),
                        refused: try data.optionalCount("refused"), unlessPaid: try data.optionalFlag("unlessPaid") ?? false))
            case "paid_back": act = .reopened(.paidBack)
            case "reopened": act = .reopened(.byOperator(who: try data.text("who"), why: try data.text("why")))
            case "refund": act = .moneyBack(try MoneyBackClaim(reading: data))
            default: throw data.fault("claim", "a claim's word")
            }
            if act.saysWhatItIsFor {
                let purchase = try data.optionalText("purchaseId")
                let cycle = try data.optionalCount("billingCycle")
                let charge = try data.optionalText("chargeId")
                if purchase != nil || cycle != nil || charge != nil {
                    order = RecoveredOrder(reference, purchaseID: purchase, billingCycle: cycle, chargeID: charge)
                }
                declinedAt = try data.optionalMoment("declinedAt")
                if let said = try data.optionalObject("decline") { decline = try ClaimedDecline(reading: said) }
            }
            var amount: Money?
            if let units = try data.optionalNumber("minorUnits"), let currency = Currency(try data.text("currency")) {
                amount = Money(minorUnits: units, currency: currency)
            }
            let merchantID = MerchantID(try data.text("merchantId"))
            let account = try data.optionalText("account")
            let gateway = try data.optionalText("gateway").map {
                ClaimedGateway(merchantID: merchantID, id: GatewayID($0), account: account)
            }
            return ClaimRecord(
                Claim(
                    id: try required("claimId"), merchantID: merchantID, reference: reference,
                    debt: try data.optionalText("debt").flatMap(Fingerprint.init(hex:)), amount: amount, act: act,
                    at: try data.moment("at"),
                    until: try data.moment("until"), worker: try data.text("worker"), gateway: gateway, orderID: orderID,
                    order: order, declinedAt: declinedAt, decline: decline, edition: edition),
                result: try data.optionalUTF8("result"))
        } catch {
            return nil
        }
    }
}

extension Claim.Act {
    package var word: String {
        switch self {
        case .send: "send"
        case .unsent, .waiting: "unsent"
        case .exists: "exists"
        case .refused: "refused"
        case .told: "told"
        case .reopened(.paidBack): "paid_back"
        case .reopened(.byOperator): "reopened"
        case .moneyBack: "refund"
        }
    }
}

extension Claim {
    fileprivate func writeWhatItIsFor(to data: inout JSONObjectWriter) {
        if let order {
            data.optional("purchaseId", order.purchaseID)
            data.optional("billingCycle", order.billingCycle.map(Int64.init))
            data.optional("chargeId", order.chargeID)
        }
        data.optional("declinedAt", declinedAt?.milliseconds)
        if let decline { data.object("decline") { decline.write(to: &$0) } }
    }
}

extension MoneyBackClaim {
    fileprivate func write(to data: inout JSONObjectWriter) {
        data.member("refundId", id.hex)
        data.optional("command", command?.hex)
        if isRestamped { data.member("isRestamped", true) }
        switch step {
        case .send(let round):
            data.member("step", "send")
            data.member("round", Int64(round))
        case .unsent(let round):
            data.member("step", "unsent")
            data.member("round", Int64(round))
        case .told(let kind, let round, let isWhole):
            data.member("step", "told")
            data.member("kind", kind.rawValue)
            data.member("round", Int64(round))
            data.member("isWhole", isWhole)
        case .untold(let isWhole):
            // An older worker reads it as told, and gives nothing back besides either.
            data.member("step", "told")
            data.member("kind", ResultKind.chargeback.rawValue)
            data.member("round", 0)
            data.member("isWhole", isWhole)
            data.member("isUntold", true)
        case .news(let isWhole, let isLate):
            data.member("step", "news")
            data.member("isWhole", isWhole)
            data.member("isLate", isLate)
            if readings.count == 2 {
                data.member("asMinorUnits", readings[0])
                data.member("asUnits", readings[1])
            }
            data.optional("asked", asked)
            data.optional("lessThan", lessThan)
        case .listed(let beside, let isLate):
            data.member("step", "news")
            data.member("isWhole", true)
            data.member("isLate", isLate)
            data.member("beside", beside)
        }
    }

    fileprivate init(reading data: EnvelopeReader) throws(EnvelopeFault) {
        guard let id = Fingerprint(hex: try data.text("refundId")) else { throw data.fault("refundId", "a fingerprint") }
        let step: Step =
            switch try data.text("step") {
            case "send": .send(round: try data.count("round"))
            case "unsent": .unsent(round: try data.count("round"))
            case "told":
                if try data.optionalFlag("isUntold") ?? false {
                    .untold(isWhole: try data.flag("isWhole"))
                } else {
                    .told(try data.word("kind"), round: try data.count("round"), isWhole: try data.flag("isWhole"))
                }
            case "news":
                if let beside = try data.optionalNumber("beside") {
                    .listed(beside: beside, isLate: try data.flag("isLate"))
                } else {
                    .news(isWhole: try data.flag("isWhole"), isLate: try data.flag("isLate"))
                }
            default: throw data.fault("step", "a refund's step")
            }
        var readings: [Int64] = []
        if let plain = try data.optionalNumber("asMinorUnits"), let scaled = try data.optionalNumber("asUnits") {
            readings = [plain, scaled]
        }
        self.init(
            id, command: try data.optionalText("command").flatMap(Fingerprint.init(hex:)), readings: readings,
            asked: try data.optionalNumber("asked"), lessThan: try data.optionalNumber("lessThan"),
            isRestamped: try data.optionalFlag("isRestamped") ?? false, step)
    }
}
