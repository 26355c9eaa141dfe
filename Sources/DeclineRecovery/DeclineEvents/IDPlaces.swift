import JSON

/// Where ids stand in our messages, and in the CRM's. An order id of sixteen digits that passes for a card number is told apart by its place.
///
/// By its place alone it is believed only as far as a card is not likelier: digits without a break, and neither a number that is published
/// for testing (no order has it by chance) nor that of the card whose first or last digits the same message names.
struct IDPlaces {
    private let bin: String?
    private let last4: String?

    init(_ message: JSONValue) {
        let data = message["data"]
        let method = data?["paymentMethod"] ?? data?["charge"]?["paymentMethod"]
        bin = method?["bin"]?.string
        last4 = method?["last4"]?.string
    }

    /// - Parameter parent: the name of the object in which the member stands; `nil` for the message itself.
    func isID(_ value: JSONValue, member: String, of parent: String?) -> Bool {
        guard Self.places[parent ?? ""]?.contains(member) == true, let text = value.string, text.utf8.count >= 12 else { return false }
        // A reference joins several ids with dashes.
        let parts = RecoveryReference(text) == nil ? [text[...]] : text.split(separator: "-")
        return parts.allSatisfy(isID)
    }

    private func isID(_ text: Substring) -> Bool {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return CardDataGuard.finding(in: String(text)) == nil }
        // Zeros that fill a number up are no part of it.
        let number = text.drop(while: { $0 == "0" })
        if TestNumbers.holds(Array(number.utf8)) { return false }
        let first = bin.map { !$0.isEmpty && number.hasPrefix($0) }
        let last = last4.map { !$0.isEmpty && text.hasSuffix($0) }
        return (first ?? false) == false && (last ?? false) == false || first == false || last == false
    }

    private static let places: [String: Set<String>] = [
        "": ["subject"],
        "data": ["orderId", "purchaseId", "transactionId", "gatewayId", "recoveryReference", "reference"],
        "order": ["id", "purchaseId", "campaignId", "chargeId", "declinedGatewayId"],
        "decline": ["transactionId", "gatewayId", "gatewayProfileId"],
        "recovery": ["gatewayId", "gatewayProfileId"],
        "origin": ["transactionId"], "phase": ["orderId"], "flexFactor": ["orderId", "gatewayId"],
    ]
}
