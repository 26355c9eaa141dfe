extension DeclineEvent {
    package static let type = "com.salvage.decline.v1"

    /// Reads a decline event; `nil` when a field that it cannot do without is missing or wrong. Every fault is noted.
    convenience init?(reading event: EventReader, _ faults: FaultList) {
        let id = event.text("id", 1...128)
        let source = event.text("source", 1...256)
        let time = event.parsed("time", "an RFC 3339 time, e.g. 2026-01-02T03:04:05Z") { Moment(rfc3339: $0) }
        let subject = event.optionalText("subject", 1...128)
        let data = event.object("data")
        let merchant = data.text("merchantId", 1...64)
        let trigger = data.word("trigger", TriggerWord.self)
        let order = Order(reading: data.object("order"), trigger)
        let decline = Decline(reading: data.object("decline"))
        let amount = Money(reading: data.object("amount"))
        let payer = data.lenientObject("payer").map(Payer.init(reading:)) ?? Payer()
        let billing = Address(reading: data.object("billing"))
        let shipping = data.lenientObject("shipping", Address.init(reading:))
        let method = PaymentMethod(reading: data.object("paymentMethod", "an object with a token or an encryptedCard"), faults)
        let details = ChargeDetails(reading: data)
        let choice = trigger.flatMap { Trigger(reading: data, $0, faults) }
        if let order, let subject, order.id != subject {
            faults.add("$.subject", "expected the order id, as in $.data.order.id, or nothing")
        }
        if trigger == .recycle, let order, order.type != .recurring {
            faults.add("\(data.path).order.type", "expected recurring: only a rebill is recycled")
        }
        guard let id, let source, let time, let merchant, let choice, let order, let decline, let amount, let billing, let method else {
            return nil
        }
        self.init(
            id: id, source: source, declinedAt: time, merchantID: MerchantID(merchant), trigger: choice, order: order, decline: decline,
            amount: amount, payer: payer, billing: billing, shipping: shipping, paymentMethod: method, details: details, notes: faults.notes
        )
    }
}

extension Trigger {
    fileprivate init?(reading data: EventReader, _ word: TriggerWord, _ faults: FaultList) {
        switch word {
        case .initial:
            self = .initial
        case .rerun:
            let recovery = data.object("recovery", "an object with the gatewayId or the gatewayProfileId that the rerun was started on")
            let gateway = recovery.optionalText("gatewayId", 1...64)
            let profile = recovery.optionalText("gatewayProfileId", 1...64)
            switch (gateway, profile) {
            case (let gateway?, nil): self = .rerun(.gateway(GatewayID(gateway)))
            case (nil, let profile?): self = .rerun(.gatewayProfile(GatewayProfileID(profile)))
            default:
                // One that is there and not of its form is told already.
                if recovery.isAbsent || gateway == nil && profile == nil && (recovery.has("gatewayId") || recovery.has("gatewayProfileId"))
                {
                    return nil
                }
                faults.add(recovery.path, "expected either gatewayId or gatewayProfileId: what the rerun was started on")
                return nil
            }
        case .recycle:
            guard let reattempt = data.object("recovery").count("reattempt", 1...99) else { return nil }
            self = .recycle(reattempt: reattempt)
        }
    }
}

extension Order {
    fileprivate init?(reading order: EventReader, _ trigger: TriggerWord?) {
        let id = order.text("id", 1...128)
        let type = order.word("type", OrderType.self)
        // Only a rebill is recycled: what a rebill needs is asked for in the same answer that says so.
        let needsCycle = type == .recurring || trigger == .recycle
        let purchase = needsCycle ? order.text("purchaseId", 1...64) : order.optionalText("purchaseId", 1...64)
        let cycle = needsCycle ? order.count("billingCycle", 1...100_000) : order.optionalCount("billingCycle", 1...100_000)
        let rerun = trigger == .rerun ? order.count("rerunNumber", 1...100_000) : order.optionalCount("rerunNumber", 0...100_000)
        let campaign = order.optionalText("campaignId", 1...64)
        let address = order.cutText("ipAddress", 0...256, isRequired: false).map { IPAddress.found(in: $0) ?? $0 }
        let trial = order.flag("trialCompletion")
        let recurring = order.flag("hasRecurringProducts")
        let charge = order.optionalText("chargeId", 1...64)
        let items = order.lenientObjects("items", atMost: 200, Item.init(reading:))
        guard let id, let type else { return nil }
        self.init(
            id: id, type: type, trialCompletion: trial, hasRecurringProducts: recurring, campaignID: campaign.map(CampaignID.init(_:)),
            purchaseID: purchase, billingCycle: cycle, rerunNumber: rerun, ipAddress: address, items: items, chargeID: charge)
    }
}

extension Order.Item {
    fileprivate init(reading item: EventReader) {
        self.init(
            sku: item.passedText("sku", atMost: 64, isWhole: true), name: item.passedText("name"),
            amount: item.lenientCount("amount", 0...1_000_000_000_000).map(Int64.init),
            quantity: item.lenientCount("quantity", 0...1_000_000))
    }
}

extension Decline {
    /// Only what no recovery can do without is demanded; a field that decides nothing never costs a sale.
    fileprivate convenience init?(reading decline: EventReader) {
        let gateway = decline.text("gatewayId", 1...64)
        let source = decline.text("responseCodeSource", 1...64)
        let transaction = decline.text("transactionId", 1...128)
        // Some CRMs know a text only.
        let code = decline.lenientText("responseCode", atMost: 64) ?? ""
        let profile = decline.optionalText("gatewayProfileId", 1...64)
        let text = decline.lenientText("responseText", atMost: 512)
        let advice = decline.lenientText("merchantAdviceCode", atMost: 64)
        let networkCode = decline.lenientText("networkCode", atMost: 64)
        let network = decline.lenientText("network", atMost: 32)
        let avs = decline.lenientCode("avsResultCode", atMost: 8)
        let cvv = decline.lenientCode("cvvResultCode", atMost: 8)
        let cavv = decline.lenientCode("cavvResultCode", atMost: 8)
        let crmClass = decline.lenientWord("responseType") { word -> DeclineClass? in
            switch SourceName.key(word) {
            case "softdecline", "soft", "declinesoft": .soft
            case "harddecline", "hard", "declinehard": .hard
            default: nil
            }
        }
        guard let gateway, let source, let transaction else { return nil }
        self.init(
            gatewayID: GatewayID(gateway), gatewayProfileID: profile.map(GatewayProfileID.init(_:)), responseCodeSource: source,
            responseCode: code,
            responseText: text, merchantAdviceCode: advice, networkCode: networkCode, network: network, avsResultCode: avs,
            cvvResultCode: cvv,
            cavvResultCode: cavv, transactionID: transaction, crmClass: crmClass)
    }
}

extension Money {
    fileprivate init?(reading amount: EventReader) {
        let minorUnits = amount.count("minorUnits", 1...1_000_000_000_000)
        let currency = amount.parsed("currency", "the ISO 4217 code of a currency, e.g. USD") { Currency($0) }
        guard let minorUnits, let currency else { return nil }
        self.init(minorUnits: Int64(minorUnits), currency: currency)
    }
}

extension Payer {
    fileprivate init(reading payer: EventReader) {
        self.init(
            id: payer.passedText("id", atMost: 64, isWhole: true), email: payer.passedText("email", isWhole: true),
            phone: payer.passedText("phone", atMost: 32), birthdate: payer.passedText("birthdate", atMost: 10))
    }
}

extension Address {
    fileprivate init?(reading address: EventReader) {
        let first = address.cutText("firstName", 1...128)
        let last = address.cutText("lastName", 1...128)
        let code = address.parsed("countryCode", "an ISO 3166 code of two capital letters") { code -> String? in
            code.utf8.count == 2 && code.utf8.allSatisfy { (0x41...0x5A).contains($0) } ? code : nil
        }
        let line1 = address.cutText("addressLine1", 1...256)
        let city = address.cutText("city", 1...128)
        let zip = address.cutText("zipCode", 1...16)
        let state = code == "US" ? address.cutText("state", 1...64) : address.passedText("state", atMost: 64)
        let phone = address.passedText("phone", atMost: 32)
        let country = address.passedText("country", atMost: 64)
        let line2 = address.passedText("addressLine2")
        guard let first, let last, let code, let line1, let city, let zip else { return nil }
        self.init(
            firstName: first, lastName: last, phone: phone, country: country, countryCode: code, addressLine1: line1, addressLine2: line2,
            state: state, city: city, zipCode: zip)
    }
}

extension PaymentMethod {
    fileprivate init?(reading method: EventReader, _ faults: FaultList) {
        let token = method.optionalText("token", 1...256)
        let sealed = method.optionalText("encryptedCard", 1...8_192)
        let holder = method.passedText("holderName", atMost: 128)
        let month = method.optionalCount("expirationMonth", 1...12)
        let year = method.optionalCount("expirationYear", 2_000...2_099)
        // It tells the network, by which what the network said is read.
        let bin = method.parsed("bin", "six to eight digits", isRequired: false, takesNumbers: true) { Self.digits($0, 6...8) }
        let last4 = method.lenientWord("last4", "no four digits") { Self.digits($0, 4...4) }
        let brand = method.passedText("brand", atMost: 32)
        let card: Card
        switch (token, sealed) {
        case (let token?, nil): card = .token(CardToken(token))
        case (nil, let sealed?): card = .encrypted(SealedCard(sealed))
        default:
            if !method.isAbsent, method.has("token") == method.has("encryptedCard") {
                faults.add(method.path, "expected either token or encryptedCard")
            }
            return nil
        }
        self.init(card: card, holderName: holder, expirationMonth: month, expirationYear: year, bin: bin, last4: last4, brand: brand)
    }

    private static func digits(_ text: String, _ length: ClosedRange<Int>) -> String? {
        length.contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? text : nil
    }
}
