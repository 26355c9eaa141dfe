package import DeclineRecovery
package import JSON

/// A correction that may be what an operator is about to write.
package struct Suggestion: Sendable, Equatable {
    package let title: String
    package let why: String
    package let patch: JSONPatch

    /// - Parameter merchants: those that are configured; empty where no configuration is at hand.
    package static func all(for letter: DeadLetter, merchants: [Merchant], now: Moment) -> [Suggestion] {
        all(for: letter.original.json, at: letter.stage, merchants: merchants, now: now)
    }

    /// For a message as it stands, corrections included: one may make room for the next.
    static func all(for event: JSONValue?, at stage: Stage, merchants: [Merchant], now: Moment) -> [Suggestion] {
        guard stage == .intake, let event, let data = event["data"] else { return [] }
        return [nearestMerchant(data, merchants), rerun(event, now) { id in merchants.first { $0.id == id } }].compactMap { $0 }
    }

    private static func nearestMerchant(_ data: JSONValue, _ merchants: [Merchant]) -> Suggestion? {
        guard let id = data["merchantId"]?.string, !merchants.isEmpty, !merchants.contains(where: { $0.id == MerchantID(id) }) else {
            return nil
        }
        let near = merchants.map { (id: $0.id.text, distance: EditDistance.between(id.lowercased(), $0.id.text.lowercased())) }.min {
            $0.distance < $1.distance
        }
        guard let near, near.distance <= max(2, id.utf8.count / 3) else { return nil }
        return Suggestion(
            title: "Merchant \(near.id)",
            why: "The configuration has no merchant of the name that the message gives; \(near.id) is the nearest.",
            patch: JSONPatch([.replace(JSONPointer(tokens: ["data", "merchantId"]), .string(near.id))]))
    }

    /// An instant decline of long ago cannot cascade any more, but a rerun can be charged without the customer.
    static func rerun(_ event: JSONValue?, _ now: Moment, _ merchant: (MerchantID) -> Merchant?) -> Suggestion? {
        guard let event, let data = event["data"], data["trigger"]?.string == "initial",
            let merchant = data["merchantId"]?.string.flatMap({ merchant(MerchantID($0)) })
        else { return nil }
        guard let declinedAt = event["time"]?.string.flatMap(Moment.init(rfc3339:)), now >= declinedAt + merchant.policy.cascadeDeadline
        else { return nil }
        let gateways = merchant.flexFactorGateways.values.filter { !$0.isRetired }.sorted {
            ($0.cascadeAll ? 0 : 1, $0.id.text) < ($1.cascadeAll ? 0 : 1, $1.id.text)
        }
        guard let gateway = gateways.first else { return nil }
        var operations: [JSONPatch.Operation] = [
            .replace(JSONPointer(tokens: ["data", "trigger"]), .string("rerun")),
            .add(JSONPointer(tokens: ["data", "recovery"]), .object([JSONValue.Member("gatewayId", .string(gateway.id.text))])),
        ]
        if data["order"]?["rerunNumber"] == nil {
            operations.append(.add(JSONPointer(tokens: ["data", "order", "rerunNumber"]), .integer(1)))
        }
        return Suggestion(
            title: "Make it a rerun",
            why:
                "Nobody waits at the checkout any more, so as an instant decline it would be skipped. As a rerun FlexFactor gateway \(gateway.id) can try it for \(gateway.expiryDays) days.",
            patch: JSONPatch(operations))
    }
}
