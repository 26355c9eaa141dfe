import JSON

extension WorkEnvelope {
    static func write(_ recovery: Recovery, to json: inout JSONObjectWriter) {
        json.member("merchantId", recovery.merchantID.text)
        json.member("gatewayId", recovery.gatewayID.text)
        json.member("reference", recovery.reference.text)
        json.object("route") { route in
            route.member("way", recovery.route.word)
            switch recovery.route {
            case .cascade(let deadline):
                route.member("deadline", deadline.milliseconds)
            case .retry(let mode, let until):
                route.member("mitMode", mode.rawValue)
                route.member("until", until.milliseconds)
            }
        }
        json.object("phase") { write(recovery.phase, to: &$0) }
        json.member("attempts", Int64(recovery.attempts))
        json.member("failures", Int64(recovery.failures))
        json.member("post", Int64(recovery.post))
        json.optional("account", recovery.account)
        json.optional("edition", recovery.edition.map { String($0, radix: 36) })
        json.member("cancelRequested", recovery.isCancelRequested)
        if recovery.isSubmitted { json.member("submitted", true) }
        if recovery.evidence != OrderEvidence() { json.object("evidence") { write(recovery.evidence, to: &$0) } }
        json.member("minorUnits", recovery.ownAmount.minorUnits)
        json.member("currency", recovery.ownAmount.currency.code)
        json.member("declinedAt", recovery.declinedAt.milliseconds)
        json.object("order") { order in
            order.member("id", recovery.order.id)
            order.member("type", recovery.order.type.rawValue)
            order.member("trialCompletion", recovery.order.trialCompletion)
            order.member("hasRecurringProducts", recovery.order.hasRecurringProducts)
            order.optional("purchaseId", recovery.order.purchaseID)
            order.optional("billingCycle", recovery.order.billingCycle.map(Int64.init))
            order.member("declinedGatewayId", recovery.order.declinedGatewayID.text)
            order.optional("chargeId", recovery.order.chargeID)
        }
        json.object("verdict") { verdict in
            verdict.member("class", recovery.verdict.declineClass.rawValue)
            verdict.member("rule", recovery.verdict.rule)
        }
        if !recovery.origin.isUnknown {
            json.object("origin") { origin in
                origin.optional("eventId", recovery.origin.eventID)
                origin.optional("trigger", recovery.origin.trigger?.rawValue)
                origin.optional("transactionId", recovery.origin.transactionID)
            }
        }
        if let reply = recovery.reply {
            json.object("reply") { address in
                address.member("queue", reply.queue)
                address.optional("correlationId", reply.correlationID)
            }
        }
        if let charge = recovery.charge { json.object("charge") { write(charge, to: &$0) } }
    }

    private static func write(_ evidence: OrderEvidence, to json: inout JSONObjectWriter) {
        switch evidence.order {
        case .none: break
        case .denied(let since):
            json.member("order", "denied")
            json.member("since", since.milliseconds)
        case .known: json.member("order", "known")
        case .cancelled(let since):
            json.member("order", "cancelled")
            json.member("since", since.milliseconds)
        }
        json.optional("sentAt", evidence.sentAt?.milliseconds)
        json.optional("conflictSince", evidence.conflictSince?.milliseconds)
        if let refusal = evidence.refusal {
            json.object("refusal") { json in
                json.member("since", refusal.since.milliseconds)
                json.member("status", Int64(refusal.status))
                json.faults(refusal.errors)
            }
        }
        if evidence.isApproved { json.member("approved", true) }
        json.optional("named", evidence.named?.text)
        json.optional("seen", evidence.seen.map { String($0, radix: 36) })
    }

    private static func write(_ phase: RecoveryPhase, to json: inout JSONObjectWriter) {
        json.member("name", phase.word)
        json.optional("orderId", phase.orderID?.text)
        switch phase {
        case .reconciling(_, let step), .challenged(_, let step), .closing(_, let step): json.member("step", step.rawValue)
        case .watching(_, let polls): json.member("polls", Int64(polls))
        case .due, .ready, .unanswered, .capturing, .seeking, .resting, .closed: break
        }
    }

    private static func write(_ charge: Charge, to json: inout JSONObjectWriter) {
        json.member("isMerchantInitiated", charge.isMerchantInitiated)
        json.member("isRecurring", charge.isRecurring)
        json.optional("expiry", charge.expiry?.milliseconds)
        json.optional("customerIp", charge.customerIP)
        json.object("decline") { decline in
            decline.member("gatewayId", charge.decline.gatewayID.text)
            decline.optional("gatewayProfileId", charge.decline.gatewayProfileID?.text)
            decline.member("responseCodeSource", charge.decline.responseCodeSource)
            decline.member("responseCode", charge.decline.responseCode)
            decline.optional("responseText", charge.decline.responseText)
            decline.optional("merchantAdviceCode", charge.decline.merchantAdviceCode)
            decline.optional("networkCode", charge.decline.networkCode)
            decline.optional("network", charge.decline.network)
            decline.optional("avsResultCode", charge.decline.avsResultCode)
            decline.optional("cvvResultCode", charge.decline.cvvResultCode)
            decline.optional("cavvResultCode", charge.decline.cavvResultCode)
            decline.member("transactionId", charge.decline.transactionID)
            decline.optional("class", charge.decline.crmClass?.rawValue)
        }
        json.object("payer") { payer in
            payer.optional("id", charge.payer.id)
            payer.optional("email", charge.payer.email)
            payer.optional("phone", charge.payer.phone)
            payer.optional("birthdate", charge.payer.birthdate)
        }
        json.object("billing") { write(charge.billing, to: &$0) }
        if let shipping = charge.shipping { json.object("shipping") { write(shipping, to: &$0) } }
        json.object("paymentMethod") { method in
            switch charge.paymentMethod.card {
            case .token(let token): method.member("token", token.exposed)
            case .encrypted(let card): method.member("encryptedCard", card.exposed)
            }
            method.optional("holderName", charge.paymentMethod.holderName)
            method.optional("expirationMonth", charge.paymentMethod.expirationMonth.map(Int64.init))
            method.optional("expirationYear", charge.paymentMethod.expirationYear.map(Int64.init))
            method.optional("bin", charge.paymentMethod.bin)
            method.optional("last4", charge.paymentMethod.last4)
            method.optional("brand", charge.paymentMethod.brand)
        }
        if charge.details != ChargeDetails() { json.object("details") { charge.details.write(to: &$0) } }
        if let site = charge.site { json.object("site") { $0.optional("id", site.id) } }
        if !charge.items.isEmpty {
            json.array("items") { items in
                for item in charge.items {
                    items.object { object in
                        object.optional("sku", item.sku)
                        object.optional("name", item.name)
                        object.optional("amount", item.amount)
                        object.optional("quantity", item.quantity.map(Int64.init))
                    }
                }
            }
        }
    }

    private static func write(_ address: Address, to json: inout JSONObjectWriter) {
        json.member("firstName", address.firstName)
        json.member("lastName", address.lastName)
        json.optional("phone", address.phone)
        json.optional("country", address.country)
        json.member("countryCode", address.countryCode)
        json.member("addressLine1", address.addressLine1)
        json.optional("addressLine2", address.addressLine2)
        json.optional("state", address.state)
        json.member("city", address.city)
        json.member("zipCode", address.zipCode)
    }
}
