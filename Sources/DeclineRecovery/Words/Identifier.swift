import JSON

/// A name that somebody else gave to a thing, typed by the thing it names, so that a merchant's id cannot stand where a gateway's belongs.
///
/// The text is opaque: it is compared byte by byte and carried, never taken apart. Swift's own `==` takes two spellings of "é" for one, where
/// fingerprints, keys and references take them for two: a merchant whom the configuration knows under one would be charged for under both.
package struct Identifier<Named>: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }

    package static func == (one: Identifier, other: Identifier) -> Bool { one.text.hasSameCodePoints(as: other.text) }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
}

extension Identifier {
    /// Behind a sentence that there is no such thing: what tells the id from one that looks the same. Empty where every reader sees it.
    package var spelling: String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return "" }
        let letters = text.unicodeScalars.prefix(64).map { $0.escaped(asASCII: true) }.joined()
        return " Ids are compared byte by byte, and this one is spelled \(letters)."
    }
}

extension Identifier: ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral {
    package init(stringLiteral text: String) {
        self.init(text)
    }
}

package typealias MerchantID = Identifier<Merchant>
/// A gateway of the CRM's: one configured processor account, FlexFactor's among them.
package typealias GatewayID = Identifier<Gateway>
package typealias GatewayProfileID = Identifier<GatewayProfile>
package typealias CascadeProfileID = Identifier<CascadeProfile>
package typealias CampaignID = Identifier<Campaign>
/// FlexFactor's own id of an order (`orderSessionKey`), a GUID; not the recovery reference that FlexFactor calls `orderId` in requests.
package typealias FlexFactorOrderID = Identifier<FlexFactorOrder>

extension FlexFactorOrderID {
    /// `nil` for what names no order: nothing, and the empty GUID. Under it no order would ever be found or cancelled, and nobody would ask by
    /// our reference.
    package init?(naming text: String) {
        self.init(written: text)
        guard !self.text.isEmpty, UUID5.guid(self.text) != .empty else { return nil }
    }

    /// As FlexFactor wrote it, but for blanks, and braces around a GUID: what is kept is looked up, compared and told.
    package init(written text: String) {
        var name = text.drop(while: \.isWhitespace)
        while name.last?.isWhitespace == true { name.removeLast() }
        if let first = name.first, first == "{" || first == "(", UUID5.guid(String(name)) != nil { name = name.dropFirst().dropLast() }
        self.init(name.utf8.count == text.utf8.count ? text : String(name))
    }

    /// FlexFactor's ids are GUIDs, whose letters have no case, and which may be written in several ways.
    package func isSame(as other: FlexFactorOrderID) -> Bool {
        if let own = UUID5.guid(text), let its = UUID5.guid(other.text) { return own == its }
        return text.lowercased().hasSameCodePoints(as: other.text.lowercased())
    }
}
