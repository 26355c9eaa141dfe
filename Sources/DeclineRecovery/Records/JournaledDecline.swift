import JSON

/// What the mapping was asked about a decline, kept in the journal so that it can be asked again under other rules. No person's data: a text
/// that could hold some is kept as its digest.
package struct JournaledDecline: Sendable, Equatable {
    package let source: String
    package let code: String
    package let gatewayID: GatewayID
    package let networkCode: String?
    package let network: CardNetwork?
    package let advice: String?
    package let text: String?
    let textDigest: String?
    package let crmClass: DeclineClass?
    package let orderType: OrderType
    package let isCascade: Bool
    package let confidence: DeclineConfidence
    /// The card's brand as the CRM names it, where it is none of the networks.
    package let brand: String?
    package let campaign: String?
    /// The charge that was declined, by its gateway's name for it.
    package let transactionID: String?
    /// By which its publisher knows the event.
    package let eventID: String?

    init(
        source: String, code: String, gatewayID: GatewayID, networkCode: String?, network: CardNetwork?, advice: String?, text: String?,
        textDigest: String?,
        crmClass: DeclineClass?, orderType: OrderType, isCascade: Bool, confidence: DeclineConfidence,
        brand: String? = nil, campaign: String? = nil, transactionID: String? = nil, eventID: String? = nil
    ) {
        self.source = source
        self.code = code
        self.gatewayID = gatewayID
        self.networkCode = networkCode
        self.network = network
        self.advice = advice
        self.text = text
        self.textDigest = textDigest
        self.crmClass = crmClass
        self.orderType = orderType
        self.isCascade = isCascade
        self.confidence = confidence
        self.brand = brand
        self.campaign = campaign
        self.transactionID = transactionID
        self.eventID = eventID
    }

    package init(_ event: DeclineEvent, _ classification: Classification) {
        let question = DeclineCase(event)
        let decline = event.decline
        let text = decline.responseText.flatMap { Self.isImpersonal($0, of: event) ? $0 : nil }
        self.init(
            source: Self.word(decline.responseCodeSource) ?? "", code: Self.word(decline.responseCode) ?? "", gatewayID: decline.gatewayID,
            networkCode: decline.networkCode.flatMap(Self.word), network: question.network,
            advice: decline.merchantAdviceCode.flatMap(Self.word), text: text,
            textDigest: text == nil ? decline.responseText.map(Self.digest) : nil, crmClass: decline.crmClass, orderType: event.order.type,
            isCascade: question.isCascade, confidence: classification.confidence,
            brand: question.network == nil ? event.paymentMethod.brand.flatMap(Self.word) : nil,
            campaign: event.order.campaignID.flatMap { Self.id($0.text) }, transactionID: Self.id(decline.transactionID),
            eventID: Self.id(event.id))
    }

    /// The question as it was asked; without the text where only its digest was kept.
    package var question: DeclineCase {
        DeclineCase(
            decline: Decline(
                gatewayID: gatewayID, responseCodeSource: source, responseCode: code, responseText: text, merchantAdviceCode: advice,
                networkCode: networkCode,
                transactionID: "", crmClass: crmClass),
            orderType: orderType, isCascade: isCascade, network: network)
    }

    /// What stands where a code belongs, as long as it is one.
    private static func word(_ text: String) -> String? {
        text.isEmpty || text.utf8.count > 64 || hasLongNumber(text) || text.utf8.contains(0x40) ? nil : text
    }

    /// As sums and reports call what was declined with: `nmi/202`. What stands in a code's place and is none has no name there.
    package static func codeName(of decline: Decline) -> String {
        "\(named(decline.responseCodeSource).prefix(32).lowercased())/\(named(decline.responseCode).prefix(32))"
    }

    /// Some gateways' codes have eight digits, which is less than a telephone has.
    private static func named(_ text: String) -> String {
        word(text) ?? (text.utf8.count <= 8 && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? text : "")
    }

    /// An id of somebody's system: no sentence, no address, and no digits that could be a card's.
    private static func id(_ text: String) -> String? {
        let isID =
            !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy {
                // Letters, digits, and `-./:_`.
                (0x61...0x7A).contains($0 | 0x20) || (0x2D...0x3A).contains($0) || $0 == 0x5F
            }
        return isID && (text.utf8.count < 12 || CardDataGuard.finding(in: text) == nil) ? text : nil
    }

    private static let namespace = UUID5(high: 0x51c2_7f0e_93ad_5b48, low: 0x8e60_1d4b_c79a_22f1)

    private static func digest(_ text: String) -> String { String(UUID5(namespace: namespace, name: text).description.prefix(13)) }

    /// No number that could be an account, an address or a phone, and no word of the customer's own.
    private static func isImpersonal(_ text: String, of event: DeclineEvent) -> Bool {
        if text.utf8.count > 200 || text.utf8.contains(0x40) || hasLongNumber(text) { return false }
        let words = DeclineTables.builtIn.texts.heard(text).longWords
        func names(_ own: String?) -> Bool {
            guard let own, TextWords.mayShare(words, with: own) else { return false }
            return TextWords.split(own, dropsResults: false).contains(where: words.contains)
        }
        func names(_ address: Address?) -> Bool {
            guard let address else { return false }
            return names(address.firstName) || names(address.lastName) || names(address.addressLine1) || names(address.city)
                || names(address.zipCode)
        }
        return !names(event.billing) && !names(event.shipping) && !names(event.paymentMethod.holderName) && !names(event.payer.id)
    }

    private static func hasLongNumber(_ text: String) -> Bool {
        var run = 0
        for byte in text.utf8 {
            run = (0x30...0x39).contains(byte) ? run + 1 : 0
            if run > 5 { return true }
        }
        return false
    }
}

extension JournaledDecline {
    func write(to json: inout JSONObjectWriter) {
        json.member("source", source)
        json.member("code", code)
        json.member("gatewayId", gatewayID.text)
        json.optional("networkCode", networkCode)
        json.optional("network", network?.rawValue)
        json.optional("advice", advice)
        json.optional("text", text)
        json.optional("textDigest", textDigest)
        json.optional("crmClass", crmClass?.rawValue)
        json.member("orderType", orderType.rawValue)
        json.member("cascade", isCascade)
        json.member("confidence", confidence.rawValue)
        json.optional("brand", brand)
        json.optional("campaign", campaign)
        json.optional("transactionId", transactionID)
        json.optional("eventId", eventID)
    }

    /// `nil` for what an older or a newer worker wrote otherwise.
    init?(_ value: JSONValue?) {
        guard let value, let source = value["source"]?.string, let code = value["code"]?.string else { return nil }
        self.init(
            source: source, code: code, gatewayID: GatewayID(value["gatewayId"]?.string ?? ""), networkCode: value["networkCode"]?.string,
            network: value["network"]?.string.flatMap(CardNetwork.init(rawValue:)), advice: value["advice"]?.string,
            text: value["text"]?.string,
            textDigest: value["textDigest"]?.string, crmClass: value["crmClass"]?.string.flatMap(DeclineClass.init(rawValue:)),
            orderType: value["orderType"]?.string.flatMap(OrderType.init(rawValue:)) ?? .newSale,
            isCascade: value["cascade"]?.bool ?? false,
            confidence: value["confidence"]?.string.flatMap(DeclineConfidence.init(rawValue:)) ?? .guess,
            brand: value["brand"]?.string, campaign: value["campaign"]?.string, transactionID: value["transactionId"]?.string,
            eventID: value["eventId"]?.string)
    }
}
