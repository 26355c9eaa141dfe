import JSON

extension ChargeDetails {
    /// From the CRM's event: each field is optional, and a fault where it is there and not of its form.
    init(reading data: EventReader) {
        let secure = data.optionalObject("threeDSecure").map { secure in
            ThreeDSecure(
                ThreeDSecure.names.compactMap { name in
                    secure.optionalText(name).flatMap { $0.isEmpty ? nil : ThreeDSecure.Field(name: name.description, value: $0) }
                })
        }
        let subscription = data.optionalObject("subscription").flatMap { subscription -> Subscription? in
            let id = subscription.text("id", 1...64)
            let interval = subscription.optionalText("interval", 0...32)
            let price = subscription.optionalCount("price", 0...1_000_000_000_000).map(Int64.init)
            let number = subscription.optionalCount("paymentNumber", 0...100_000)
            let total = subscription.optionalCount("totalPayments", 0...100_000)
            return id.map { Subscription(id: $0, interval: interval, price: price, paymentNumber: number, totalPayments: total) }
        }
        self.init(
            senseKey: data.optionalText("senseKey"), siteID: data.optionalText("siteId", 0...64), siteURL: data.optionalText("siteUrl"),
            descriptor: data.optionalText("descriptor", 0...64), threeDSecure: secure, subscription: subscription)
    }

    /// The object of an envelope.
    func write(to json: inout JSONObjectWriter) {
        json.optional("senseKey", senseKey)
        json.optional("siteId", siteID)
        json.optional("siteUrl", siteURL)
        json.optional("descriptor", descriptor)
        if let threeDSecure {
            json.object("threeDSecure") { object in
                for field in threeDSecure.fields { object.member(named: field.name, field.value) }
            }
        }
        if let subscription {
            json.object("subscription") { object in
                object.member("id", subscription.id)
                object.optional("interval", subscription.interval)
                object.optional("price", subscription.price)
                object.optional("paymentNumber", subscription.paymentNumber.map(Int64.init))
                object.optional("totalPayments", subscription.totalPayments.map(Int64.init))
            }
        }
    }

    init(_ reader: EnvelopeReader) throws(EnvelopeFault) {
        let secure = try reader.optionalObject("threeDSecure").map { (object) throws(EnvelopeFault) in
            var fields: [ThreeDSecure.Field] = []
            for name in ThreeDSecure.names {
                if let value = try object.optionalText(name) { fields.append(ThreeDSecure.Field(name: name.description, value: value)) }
            }
            return ThreeDSecure(fields)
        }
        let subscription = try reader.optionalObject("subscription").map { (object) throws(EnvelopeFault) in
            Subscription(
                id: try object.text("id"), interval: try object.optionalText("interval"), price: try object.optionalNumber("price"),
                paymentNumber: try object.optionalCount("paymentNumber"), totalPayments: try object.optionalCount("totalPayments"))
        }
        self.init(
            senseKey: try reader.optionalText("senseKey"), siteID: try reader.optionalText("siteId"),
            siteURL: try reader.optionalText("siteUrl"),
            descriptor: try reader.optionalText("descriptor"), threeDSecure: secure, subscription: subscription)
    }
}
