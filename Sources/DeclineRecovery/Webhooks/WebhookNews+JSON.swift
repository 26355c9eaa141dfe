extension WebhookNews {
    /// Reads a webhook's body; `nil` unless it is a JSON object with an event. Names are compared without regard to case.
    public init?(body: [UInt8], merchantID: MerchantID, gatewayID: GatewayID, receivedAt: Moment) {
        guard let value = try? JSONValue(parsing: body.span), let event = value[anyCase: "Event"]?.string, !event.isEmpty, event.utf8.count <= 128 else {
            return nil
        }
        self.init(
            merchantID: merchantID, gatewayID: gatewayID, event: Event(word: event),
            reference: value[anyCase: "ExternalOrderId"]?.string.flatMap { RecoveryReference($0) },
            orderID: value[anyCase: "OrderId"]?.string.map(FlexFactorOrderID.init(_:)), isResent: value[anyCase: "IsResent"]?.bool ?? false,
            receivedAt: receivedAt)
    }

    /// The same news always have the same id.
    public var id: String { "\(reference?.text ?? orderID?.text ?? "unknown")/webhook/\(event.word)" }

    /// The message for the outcome stage (schemas/webhook.v1.schema.json).
    public func encoded() -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, subject: reference?.text) { data in
            data.member("merchantId", merchantID.text)
            data.member("gatewayId", gatewayID.text)
            data.member("event", self.event.word)
            data.optional("reference", reference?.text)
            data.optional("orderId", orderID?.text)
            data.member("isResent", isResent)
            data.member("receivedAt", receivedAt.milliseconds)
            data.member("hasWaited", hasWaited)
        }
    }

    /// - Returns: the news, or what is wrong with the message.
    public static func decode(_ bytes: [UInt8]) -> Result<WebhookNews, EnvelopeFault> {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            return .success(
                WebhookNews(
                    merchantID: MerchantID(try reader.text("merchantId")), gatewayID: GatewayID(try reader.text("gatewayId")),
                    event: Event(word: try reader.text("event")), reference: try reader.optionalText("reference").flatMap { RecoveryReference($0) },
                    orderID: try reader.optionalText("orderId").map(FlexFactorOrderID.init(_:)), isResent: try reader.flag("isResent"),
                    receivedAt: try reader.moment("receivedAt"), hasWaited: try reader.flag("hasWaited")))
        } catch {
            return .failure(error)
        }
    }
}
