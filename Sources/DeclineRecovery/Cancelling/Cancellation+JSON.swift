import JSON

extension Cancellation {
    package static let type = "com.salvage.recovery.cancellation.v1"

    /// The message for the retry stage, ours alone.
    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: reference.text + "/cancellation", type: Self.type, subject: reference.text) { data in
            data.member("merchantId", merchantID.text)
            data.member("reference", reference.text)
            data.optional("commandId", commandID)
            data.member("since", since.milliseconds)
            if time != since { data.member("time", time.milliseconds) }
            data.member("attempts", Int64(attempts))
            data.object("phase") { json in
                json.member("name", phase.word)
                json.member("gateway", Int64(phase.index))
            }
            data.array("gateways") { list in
                for gateway in gateways { list.object { $0.member("id", gateway.text) } }
            }
            data.optional("cancel", word?.rawValue)
            data.optional("flexFactorOrderId", orderID?.text)
            data.optional("unseenSince", unseenSince?.milliseconds)
            // What is past looking was announced, whoever wrote it.
            if isLooking, isAnnounced { data.member("announced", true) }
            if !others.isEmpty { data.array("others") { list in for other in others { list.element(other.text) } } }
        }
    }

    package static func decode(_ bytes: [UInt8]) -> Result<Cancellation, EnvelopeFault> {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            let phase = try reader.object("phase")
            let index = try phase.count("gateway")
            guard let read = Phase(word: try phase.text("name"), index: index) else { throw phase.fault("name", "a phase") }
            return .success(
                Cancellation(
                    merchantID: MerchantID(try reader.text("merchantId")), reference: try reader.reference("reference"),
                    commandID: try reader.optionalText("commandId"),
                    others: try reader.elements("others").compactMap { $0.string.flatMap { RecoveryReference($0) } },
                    gateways: try reader.gateways(), since: try reader.moment("since"),
                    time: try reader.optionalMoment("time"), phase: read,
                    attempts: try reader.count("attempts"),
                    word: try reader.optionalWord("cancel"),
                    orderID: try reader.optionalText("flexFactorOrderId").map(FlexFactorOrderID.init(_:)),
                    unseenSince: try reader.optionalMoment("unseenSince"),
                    isAnnounced: try reader.optionalFlag("announced") ?? false))
        } catch {
            return .failure(error)
        }
    }
}

extension Cancellation.Phase {
    var word: String {
        switch self {
        case .looking: "looking"
        case .cancelling: "cancelling"
        case .settling: "settling"
        }
    }

    var index: Int {
        switch self {
        case .looking(let index), .cancelling(let index), .settling(let index): index
        }
    }

    init?(word: String, index: Int) {
        switch word {
        case "looking": self = .looking(index)
        case "cancelling": self = .cancelling(index)
        case "settling": self = .settling(index)
        default: return nil
        }
    }
}
