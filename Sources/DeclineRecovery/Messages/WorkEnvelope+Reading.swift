import JSON

extension WorkEnvelope {
    static func readRecovery(_ data: EnvelopeReader) throws(EnvelopeFault) -> Recovery {
        let order = try data.object("order")
        let verdict = try data.object("verdict")
        let reply = try data.optionalObject("reply")
        let reference = try data.reference("reference")
        let amount = try data.money()
        let declinedAt = try data.moment("declinedAt")
        var recovery = Recovery(
            merchantID: MerchantID(try data.text("merchantId")), gatewayID: GatewayID(try data.text("gatewayId")),
            route: try readRoute(data.object("route")), reference: reference, amount: amount, declinedAt: declinedAt,
            order: RecoveredOrder(
                id: try order.text("id"), type: try order.word("type"), trialCompletion: try order.flag("trialCompletion"),
                hasRecurringProducts: try order.flag("hasRecurringProducts"), purchaseID: try order.optionalText("purchaseId"),
                billingCycle: try order.optionalCount("billingCycle"), declinedGatewayID: GatewayID(try order.text("declinedGatewayId")),
                chargeID: try order.optionalText("chargeId")),
            verdict: DeclineVerdict(declineClass: try verdict.word("class"), rule: try verdict.text("rule")),
            reply: try reply.map { (reply) throws(EnvelopeFault) in
                ReplyAddress(queue: try reply.text("queue"), correlationID: try reply.optionalText("correlationId"))
            },
            charge: try data.optionalObject("charge").map { (charge) throws(EnvelopeFault) in
                try readCharge(charge, reference, amount: amount, declinedAt: declinedAt)
            },
            phase: try readPhase(data.object("phase")), attempts: try data.count("attempts"), failures: try data.count("failures"),
            post: try data.count("post"),
            isCancelRequested: try data.flag("cancelRequested"),
            // Envelopes of before it was kept do not say.
            origin: try data.optionalObject("origin").map { (origin) throws(EnvelopeFault) in
                DeclineOrigin(
                    eventID: try origin.optionalText("eventId"), trigger: try origin.optionalWord("trigger"),
                    transactionID: try origin.optionalText("transactionId"))
            } ?? DeclineOrigin(), evidence: try readEvidence(data.optionalObject("evidence")))
        recovery.account = try data.optionalText("account")
        // A letter may hold a mark in its place: then it is as one that a person sends again.
        recovery.edition = try data.optionalText("edition").flatMap { UInt64($0, radix: 36) }
        recovery.isSubmitted = try data.optionalFlag("submitted") ?? false
        return recovery
    }

    private static func readEvidence(_ evidence: EnvelopeReader?) throws(EnvelopeFault) -> OrderEvidence {
        guard let evidence else { return OrderEvidence() }
        let order: OrderEvidence.Word =
            switch try evidence.optionalText("order") {
            case nil: .none
            case "denied": .denied(since: try evidence.moment("since"))
            case "known": .known
            case "cancelled": .cancelled(since: try evidence.moment("since"))
            default: throw evidence.fault("order", "denied, known or cancelled")
            }
        return OrderEvidence(
            order: order, sentAt: try evidence.optionalMoment("sentAt"), conflictSince: try evidence.optionalMoment("conflictSince"),
            refusal: try evidence.optionalObject("refusal").map { (refusal) throws(EnvelopeFault) in
                OrderEvidence.Refusal(
                    since: try refusal.moment("since"), status: try refusal.count("status"), errors: try refusal.faults())
            },
            isApproved: try evidence.optionalFlag("approved") ?? false,
            named: try evidence.optionalText("named").map(FlexFactorOrderID.init(_:)),
            // A letter may hold a mark in its place: then FlexFactor is asked anew.
            seen: try evidence.optionalText("seen").flatMap { UInt64($0, radix: 36) })
    }

    private static func readRoute(_ route: EnvelopeReader) throws(EnvelopeFault) -> RecoveryRoute {
        switch try route.text("way") {
        case "cascade": .cascade(deadline: try route.moment("deadline"))
        case "retry": .retry(try route.word("mitMode"), until: try route.moment("until"))
        default: throw route.fault("way", "cascade or retry")
        }
    }

    private static func readPhase(_ phase: EnvelopeReader) throws(EnvelopeFault) -> RecoveryPhase {
        let orderID = try phase.optionalText("orderId").map(FlexFactorOrderID.init(_:))
        switch try phase.text("name") {
        case "due": return .due
        case "ready": return .ready
        case "unanswered": return .unanswered
        case "capturing": return .capturing(FlexFactorOrderID(try phase.text("orderId")))
        case "challenged": return .challenged(orderID, try phase.word("step"))
        case "reconciling": return .reconciling(orderID, try phase.word("step"))
        case "seeking": return .seeking(orderID)
        case "watching": return .watching(FlexFactorOrderID(try phase.text("orderId")), polls: try phase.count("polls"))
        case "resting": return .resting(orderID)
        case "closing": return .closing(orderID, try phase.word("step"))
        case "closed": return .closed(orderID)
        default: throw phase.fault("name", "a phase")
        }
    }

    private static func readCharge(
        _ charge: EnvelopeReader, _ reference: RecoveryReference, amount: Money, declinedAt: Moment
    ) throws(EnvelopeFault) -> Charge {
        let decline = try charge.object("decline")
        let payer = try charge.object("payer")
        return Charge(
            reference: reference, isMerchantInitiated: try charge.flag("isMerchantInitiated"), isRecurring: try charge.flag("isRecurring"),
            expiry: try charge.optionalMoment("expiry"), customerIP: try charge.optionalText("customerIp"),
            amount: amount, declinedAt: declinedAt,
            decline: Decline(
                gatewayID: GatewayID(try decline.text("gatewayId")),
                gatewayProfileID: try decline.optionalText("gatewayProfileId").map(GatewayProfileID.init(_:)),
                responseCodeSource: try decline.text("responseCodeSource"), responseCode: try decline.text("responseCode"),
                responseText: try decline.optionalText("responseText"), merchantAdviceCode: try decline.optionalText("merchantAdviceCode"),
                networkCode: try decline.optionalText("networkCode"), network: try decline.optionalText("network"),
                avsResultCode: try decline.optionalText("avsResultCode"), cvvResultCode: try decline.optionalText("cvvResultCode"),
                cavvResultCode: try decline.optionalText("cavvResultCode"), transactionID: try decline.text("transactionId"),
                crmClass: try decline.optionalWord("class")),
            payer: Payer(
                id: try payer.optionalText("id"), email: try payer.optionalText("email"), phone: try payer.optionalText("phone"),
                birthdate: try payer.optionalText("birthdate")),
            billing: try readAddress(charge.object("billing")),
            shipping: try charge.optionalObject("shipping").map { (address) throws(EnvelopeFault) in try readAddress(address) },
            paymentMethod: try readPaymentMethod(charge.object("paymentMethod")),
            items: try charge.objects("items") { (item) throws(EnvelopeFault) in
                Order.Item(
                    sku: try item.optionalText("sku"), name: try item.optionalText("name"), amount: try item.optionalNumber("amount"),
                    quantity: try item.optionalCount("quantity"))
            },
            details: try charge.optionalObject("details").map { (details) throws(EnvelopeFault) in try ChargeDetails(details) }
                ?? ChargeDetails(),
            site: try charge.optionalObject("site").map { (site) throws(EnvelopeFault) in GatewaySite(id: try site.optionalText("id")) })
    }

    private static func readPaymentMethod(_ method: EnvelopeReader) throws(EnvelopeFault) -> PaymentMethod {
        let card: PaymentMethod.Card
        if let token = try method.optionalText("token") {
            card = .token(CardToken(token))
        } else {
            card = .encrypted(SealedCard(try method.text("encryptedCard")))
        }
        return PaymentMethod(
            card: card, holderName: try method.optionalText("holderName"), expirationMonth: try method.optionalCount("expirationMonth"),
            expirationYear: try method.optionalCount("expirationYear"), bin: try method.optionalText("bin"),
            last4: try method.optionalText("last4"), brand: try method.optionalText("brand"))
    }

    private static func readAddress(_ address: EnvelopeReader) throws(EnvelopeFault) -> Address {
        Address(
            firstName: try address.text("firstName"), lastName: try address.text("lastName"), phone: try address.optionalText("phone"),
            country: try address.optionalText("country"), countryCode: try address.text("countryCode"),
            addressLine1: try address.text("addressLine1"), addressLine2: try address.optionalText("addressLine2"),
            state: try address.optionalText("state"), city: try address.text("city"), zipCode: try address.text("zipCode"))
    }
}
