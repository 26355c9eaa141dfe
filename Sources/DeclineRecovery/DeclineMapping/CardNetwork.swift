/// A card network, by whatever names it.
package enum CardNetwork: String, Sendable, CaseIterable {
    case visa, mastercard, amex, discover, diners, jcb, unionpay

    /// By a brand as people write it.
    package init?(brand: String) {
        switch SourceName.key(brand) {
        case "visa", "vi", "visadebit", "visacredit", "visaelectron", "vs", "v": self = .visa
        case "mastercard", "mc", "master", "mastercarddebit", "mastercardcredit", "maestro", "m": self = .mastercard
        case "amex", "americanexpress", "ax", "axp", "a": self = .amex
        case "discover", "ds", "disc", "discovercard": self = .discover
        case "diners", "dinersclub", "dinersclubinternational", "dci": self = .diners
        case "jcb": self = .jcb
        case "unionpay", "chinaunionpay", "cup", "up": self = .unionpay
        default: return nil
        }
    }

    /// By the first digits of the card number.
    init?(bin: String) {
        guard bin.utf8.count >= 4, let four = Int(bin.prefix(4)) else { return nil }
        switch four {
        case 4_000...4_999: self = .visa
        case 5_100...5_599, 2_221...2_720: self = .mastercard
        case 3_400...3_499, 3_700...3_799: self = .amex
        case 3_528...3_589: self = .jcb
        case 3_000...3_059, 3_095, 3_600...3_699, 3_800...3_999: self = .diners
        case 6_011, 6_440...6_599: self = .discover
        case 6_200...6_299: self = .unionpay
        default: return nil
        }
    }

    /// Whose table reads this network's own codes.
    var table: String {
        switch self {
        case .visa, .mastercard, .amex, .discover: rawValue
        case .diners, .jcb, .unionpay: "iso8583"
        }
    }
}
