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
        bin = Self.digits(method?["bin"])
        last4 = Self.digits(method?["last4"])
    }

    /// As the event's reader takes them.
    private static func digits(_ value: JSONValue?) -> String? { value?.string ?? value?.whole.map { String($0) } }

    /// - Parameter parent: the name of the object in which the member stands, of what stands in a list as ``elements(of:)`` has it; `nil` for
    ///   the message itself.
    func isID(_ value: JSONValue, member: String, of parent: String?) -> Bool {
        guard Self.places[parent ?? ""]?.contains(member) == true else { return false }
        if parent == Self.articles { return isArticle(value) }
        guard let text = value.string, text.utf8.count >= 12 else { return false }
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

    /// The number on a product's package (GTIN-13), with the zero that makes one of fourteen digits of it or without. One in ten of Germany's,
    /// Japan's and Britain's reads as a card number, and no shop can write another. Visa and Maestro gave out such short numbers long ago.
    private func isArticle(_ value: JSONValue) -> Bool {
        let text: String
        switch value {
        case .string(let string): text = string
        case .integer(let number): text = String(number)
        default: return false
        }
        guard (13...14).contains(text.utf8.count) else { return false }
        let number = text.utf8.drop { $0 == 0x30 }
        guard number.count == 13, number.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        let sum = number.enumerated().reduce(0) { $0 + Int($1.element - 0x30) * ($1.offset % 2 == 0 ? 1 : 3) }
        return sum % 10 == 0 && isID(text[...])
    }

    /// What an object in a list stands in: no member of the message, and no object of the list's name. As short whatever that name is.
    static func elements(of name: String?) -> String { name == "items" ? articles : "[]" }

    private static let articles = "items[]"

    private static let places: [String: Set<String>] = [
        "": ["subject"],
        "data": ["orderId", "purchaseId", "transactionId", "gatewayId", "recoveryReference", "reference"],
        "order": ["id", "purchaseId", "campaignId", "chargeId", "declinedGatewayId"],
        "decline": ["transactionId", "gatewayId", "gatewayProfileId"],
        "recovery": ["gatewayId", "gatewayProfileId"],
        "origin": ["transactionId"], "phase": ["orderId"], "flexFactor": ["orderId", "gatewayId"],
        articles: ["sku", "ean", "gtin"],
    ]
}
