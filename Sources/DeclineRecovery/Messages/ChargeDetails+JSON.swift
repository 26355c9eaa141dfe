import JSON

extension ChargeDetails {
    /// From the CRM's event: each field is optional, and left out where it is not of its form. But the site decides where a charge goes.
    init(reading data: EventReader) {
        let secure = data.lenientObject("threeDSecure").map { secure in
            ThreeDSecure(
                ThreeDSecure.names.compactMap { name in
                    secure.passedText(name, isWhole: true).flatMap {
                        $0.isEmpty ? nil : ThreeDSecure.Field(name: name.description, value: $0)
                    }
                })
        }
        let subscription = data.lenientObject("subscription") { subscription -> Subscription? in
            let id = subscription.passedText("id", atMost: 64, isWhole: true)
            let interval = subscription.passedText("interval", atMost: 32, isWhole: true)
            let price = subscription.lenientCount("price", 0...1_000_000_000_000).map(Int64.init)
            let number = subscription.lenientCount("paymentNumber", 0...100_000)
            let total = subscription.lenientCount("totalPayments", 0...100_000)
            guard let id, !id.isEmpty else { return nil }
            return Subscription(id: id, interval: interval, price: price, paymentNumber: number, totalPayments: total)
        }
        self.init(
            senseKey: data.passedText("senseKey", isWhole: true), siteID: data.optionalText("siteId", 0...64),
            siteURL: data.passedText("siteUrl", isWhole: true), descriptor: data.passedText("descriptor", atMost: 64), threeDSecure: secure,
            subscription: subscription)
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
