import JSON

extension DeadLetter.Subject {
    /// What a message of a stage is about, as far as it says so in the form of that stage's messages.
    package init(reading body: [UInt8], of stage: Stage) {
        switch stage {
        case .intake: self.init(ofCRMMessage: body)
        case .cascade, .retry: self.init(ofWork: body)
        case .outcomes:
            if case .success(let news) = WebhookNews.decode(body) {
                self.init(
                    merchantID: news.merchantID, reference: news.reference, orderID: news.reference?.orderID, gatewayID: news.gatewayID)
            } else {
                self.init()
            }
        case .unrouted: self.init(ofResult: body)
        case .suspects, .held: self.init()
        }
    }

    /// What the id of one of our messages says: it begins with the reference. Nothing of the body is read.
    package init(messageID: String?) {
        let reference = messageID.flatMap { $0.split(separator: "/", maxSplits: 1).first }.flatMap { RecoveryReference(String($0)) }
        self.init(reference: reference, orderID: reference?.orderID)
    }

    private init(ofCRMMessage body: [UInt8]) {
        switch CRMMessage.decode(body) {
        case .decline(let event):
            self.init(merchantID: event.merchantID, reference: RecoveryReference(for: event), orderID: event.order.id)
        case .cancel(let command):
            self.init(merchantID: command.merchantID, reference: command.reference, orderID: command.orderID)
        case .refund(let command):
            self.init(merchantID: command.merchantID, reference: command.reference, orderID: command.reference.orderID)
        case .rejected(let event): self.init(merchantID: event.merchantID, orderID: event.orderID)
        case .unreadable: self.init()
        }
    }

    private init(ofWork body: [UInt8]) {
        if case .recovery(let recovery) = WorkEnvelope.decode(body) {
            self.init(recovery)
        } else if case .success(let cancellation) = Cancellation.decode(body) {
            self.init(merchantID: cancellation.merchantID, reference: cancellation.reference, orderID: cancellation.reference.orderID)
        } else if case .success(let refund) = Refund.decode(body) {
            self.init(merchantID: refund.command.merchantID, reference: refund.command.reference, orderID: refund.command.reference.orderID)
        } else {
            self.init()
        }
    }

    /// A result event as we write it.
    private init(ofResult body: [UInt8]) {
        let event = try? JSONValue(parsing: body.span)
        let data = event?["source"]?.string == "salvage" ? event?["data"] : nil
        let reference = data?["recoveryReference"]?.string.flatMap { RecoveryReference($0) }
        self.init(
            merchantID: data?["merchantId"]?.string.map(MerchantID.init(_:)), reference: reference,
            orderID: data?["order"]?["id"]?.string ?? reference?.orderID,
            gatewayID: data?["flexFactor"]?["gatewayId"]?.string.map(GatewayID.init(_:)))
    }
}
