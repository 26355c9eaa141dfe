/// An amount in the minor units of its currency (cents of a dollar), exact.
///
/// There is no arithmetic: Salvage carries what the CRM charged and never computes a price.
public struct Money: Hashable, Sendable {
    /// At least 1 for a decline; the decoder refuses the rest.
    public let minorUnits: Int64
    public let currency: Currency

    public init(minorUnits: Int64, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }
}

/// An ISO 4217 currency code: three capital letters.
public struct Currency: Hashable, Sendable, CustomStringConvertible {
    public let code: String

    /// `nil` when the text is not three letters A-Z.
    public init?(_ code: String) {
        guard code.utf8.count == 3, code.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else { return nil }
        self.code = code
    }

    public var description: String { code }
}
