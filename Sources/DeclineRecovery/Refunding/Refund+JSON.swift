import JSON

extension Refund {
    package static let type = "com.salvage.recovery.refund.v1"

    package var messageID: String { command.reference.text.with("/refund/", command.name) }

    /// The message for the retry stage, ours alone.
    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: messageID, type: Self.type, subject: command.reference.text) { data in
            data.member("merchantId", command.merchantID.text)
            data.member("reference", command.reference.text)
            data.member("commandId", command.id)
            data.optional("source", command.source)
            data.optional("flexFactorOrderId", command.orderID?.text)
            data.optional("minorUnits", command.amount?.minorUnits)
            data.optional("currency", command.amount?.currency.code)
            data.optional("reason", command.reason)
            data.member("since", since.milliseconds)
            data.member("attempts", Int64(attempts))
            data.member("round", Int64(round))
            if isAnswered { data.member("isAnswered", true) }
            data.object("phase") { json in
                json.member("name", phase.word)
                switch phase {
                case .looking(let index): json.member("gateway", Int64(index))
                case .refunding(let id, let amount), .checking(let id, let amount), .refunded(let id, let amount):
                    json.member("orderId", id.text)
                    json.member("minorUnits", amount.minorUnits)
                    json.member("currency", amount.currency.code)
                }
            }
            data.array("gateways") { list in
                for gateway in gateways { list.object { $0.member("id", gateway.text) } }
            }
        }
    }

    package static func decode(_ bytes: [UInt8]) -> Result<Refund, EnvelopeFault> {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            let currency = try reader.optionalText("currency").flatMap { Currency($0) }
            let amount = try reader.optionalNumber("minorUnits").flatMap { units in currency.map { Money(minorUnits: units, currency: $0) }
            }
            let command = RefundCommand(
                id: try reader.text("commandId"), source: try reader.optionalText("source"),
                merchantID: MerchantID(try reader.text("merchantId")), reference: try reader.reference("reference"),
                orderID: try reader.optionalText("flexFactorOrderId").map(FlexFactorOrderID.init(_:)), amount: amount,
                reason: try reader.optionalText("reason"))
            return .success(
                Refund(
                    command, gateways: try reader.gateways(), since: try reader.moment("since"),
                    phase: try readPhase(reader.object("phase")), attempts: try reader.count("attempts"),
                    round: try reader.optionalCount("round") ?? 0, isAnswered: try reader.optionalFlag("isAnswered") ?? false))
        } catch {
            return .failure(error)
        }
    }

    private static func readPhase(_ phase: EnvelopeReader) throws(EnvelopeFault) -> Phase {
        let name = try phase.text("name")
        if name == "looking" { return .looking(try phase.count("gateway")) }
        let id = FlexFactorOrderID(try phase.text("orderId"))
        let amount = try phase.money()
        switch name {
        case "refunding": return .refunding(id, amount)
        case "checking": return .checking(id, amount)
        case "refunded": return .refunded(id, amount)
        default: throw phase.fault("name", "a phase")
        }
    }
}

extension Refund.Phase {
    package var word: String {
        switch self {
        case .looking: "looking"
        case .refunding: "refunding"
        case .checking: "checking"
        case .refunded: "refunded"
        }
    }
}
