package import JSON

/// The record on the stream of pauses (schemas/pause.v1.schema.json).
extension Pause {
    package static let type = "com.salvage.pause.v1"

    package var id: String {
        let name =
            switch target {
            case .merchant(let merchant): merchant.text
            case .gateway(let merchant, let gateway): "\(merchant)/\(gateway)"
            case .stage(let stage): stage.rawValue
            case .worker(let id): id
            }
        return "\(target.kind)/\(name)/\(since.milliseconds)"
    }

    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, time: since) { write(into: &$0) }
    }

    /// Its members, as a record and as whoever shows it has them.
    package func write(into data: inout JSONObjectWriter) {
        switch target {
        case .merchant(let merchant): data.member("merchantId", merchant.text)
        case .gateway(let merchant, let gateway):
            data.member("merchantId", merchant.text)
            data.member("gatewayId", gateway.text)
        case .stage(let stage): data.member("stage", stage.rawValue)
        case .worker(let id): data.member("workerId", id)
        }
        data.member("since", since.milliseconds)
        data.member("until", until.milliseconds)
        // People's words: refused where they are written, and looked at once more before they are kept. A mark may be longer than what it
        // stands for.
        data.member("by", CardDataGuard.redacted(by))
        data.member("why", CardDataGuard.redacted(why).cut(after: Self.mostWords))
    }

    /// `nil` for what is no pause, or one of a stage that this build does not have.
    package static func decode(_ bytes: [UInt8]) -> Pause? {
        do throws(EnvelopeFault) {
            let data = try CloudEvent.data(of: bytes, type: type)
            let target: Target
            if let stage: Stage = try data.optionalWord("stage") {
                target = .stage(stage)
            } else if let worker = try data.optionalText("workerId") {
                target = .worker(worker)
            } else {
                let merchant = MerchantID(try data.text("merchantId"))
                target = try data.optionalText("gatewayId").map { .gateway(merchant, GatewayID($0)) } ?? .merchant(merchant)
            }
            return Pause(
                target, since: try data.moment("since"), until: try data.moment("until"), by: try data.text("by"),
                why: try data.text("why"))
        } catch {
            return nil
        }
    }
}

extension Pauses {
    /// Takes in what stands on the stream.
    package mutating func take(_ body: [UInt8]) {
        if let pause = Pause.decode(body) { take(pause) } else { passOver() }
    }
}
