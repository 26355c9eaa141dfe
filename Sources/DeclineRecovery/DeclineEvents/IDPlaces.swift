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
        if Self.isPublished(Array(text.utf8)) { return false }
        let first = bin.map { !$0.isEmpty && text.hasPrefix($0) }
        let last = last4.map { !$0.isEmpty && text.hasSuffix($0) }
        return (first ?? false) == false && (last ?? false) == false || first == false || last == false
    }

    /// Whether digits are a number that a processor publishes for testing.
    static func isPublished(_ digits: [UInt8]) -> Bool {
        digits.count >= 13 && testNumbers.contains(String(decoding: digits.dropLast(), as: UTF8.self))
    }

    private static let places: [String: Set<String>] = [
        "": ["subject"],
        "data": ["orderId", "purchaseId", "transactionId", "gatewayId", "recoveryReference", "reference"],
        "order": ["id", "purchaseId", "campaignId", "chargeId", "declinedGatewayId"],
        "decline": ["transactionId", "gatewayId", "gatewayProfileId"],
        "recovery": ["gatewayId", "gatewayProfileId"],
        "origin": ["transactionId"], "phase": ["orderId"], "flexFactor": ["orderId", "gatewayId"],
    ]

    /// The processors' published numbers, without their check digit, so that none stands in a file.
    private static let testNumbers: Set<String> = [
        "411111111111111", "401288888888188", "424242424242424", "400005665566555", "555555555555444", "510510510510510", "222300312200322",
        "520082828282821", "37828224631000", "37144963539843", "37873449367100", "601111111111111", "601100099013942", "601100000000000",
        "3056930902590", "3852000002323", "353011133330000", "356600202036050", "422222222222", "400000000000000", "400000000000322",
        "400000250000315", "491761000000000", "545454545454545", "444433332222111", "491748458989710", "400000000000006", "400000000000012",
        "400000000000011", "400000000000999", "400000000000007", "411111111111112", "545301000001922", "520000000000000", "510000000000000",
    ]
}
