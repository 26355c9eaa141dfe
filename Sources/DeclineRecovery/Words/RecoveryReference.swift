/// The identity of a recovery: `<merchant>-<order>-<kind><sequence>[-<purchase>-<gateway>]-<tag>`, e.g. `acme-A1B2C3D4E5-R7-88123-42-kzqtwmhdxp`.
///
/// FlexFactor gets it as `orderId`, people see it there, and a webhook brings it back; it holds all that a result needs when only a
/// webhook is at hand. Deterministic: the same decline gives the same reference on every pod and at every repeat. The tag tells apart
/// what the other parts do not: two charges of one order, two re-attempts of one cycle.
///
/// The parts are joined with `-`, so within a part every byte outside `A-Z a-z 0-9 . _` stands as `~` and two capital hex digits.
/// The text is therefore plain ASCII, safe in a URL path, and has exactly one reading.
///
/// Versions before wrote it without merchant and tag. Recoveries of theirs live for weeks, so that form is read and kept as it is.
///
/// An object that never changes: nearly every value of a recovery holds it.
package final class RecoveryReference: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case sale = "S"
        case trialCompletion = "T"
        /// Rerun of a sale.
        case rerun = "U"
        case trialCompletionRerun = "V"
        case recurringRerun = "W"
        /// Recycled rebill.
        case recurring = "R"
        /// Rebill that cascades at once. Told apart from its later recycling: that is another recovery, with other keys and results.
        case recurringCascade = "C"

        package var orderType: OrderType {
            switch self {
            case .sale, .trialCompletion, .rerun, .trialCompletionRerun: .newSale
            case .recurring, .recurringRerun, .recurringCascade: .recurring
            }
        }

        var isTrialCompletion: Bool { self == .trialCompletion || self == .trialCompletionRerun }

        /// Whether FlexFactor works on it for days, rather than answering at once.
        package var isRetry: Bool {
            switch self {
            case .sale, .trialCompletion, .recurringCascade: false
            case .rerun, .trialCompletionRerun, .recurringRerun, .recurring: true
            }
        }
    }

    /// Whose recovery it is; `nil` in the form of old.
    package let merchantID: MerchantID?
    package let orderID: String
    package let kind: Kind
    /// The rerun number or the billing cycle; 0 for a sale that has neither.
    package let sequence: Int
    package let subscription: Subscription?
    /// Eight letters drawn from the decline's identity and two that check the text before them; `nil` in the form of old.
    package let tag: String?
    /// The whole, as it travels.
    package let text: String

    /// The bytes of the longest that a valid decline can have: each part at its limit and every byte of it escaped.
    package static let longest = 3 * (64 + 128 + 64 + 64) + 4 + 1 + 6 + 1 + 10

    /// What the result of a rebill, or of a sale with recurring products, needs beside the order.
    package struct Subscription: Hashable, Sendable {
        package let purchaseID: String
        /// The gateway that declined, and to which the next billing reverts.
        package let gatewayID: GatewayID
    }

    /// The reference of a decline.
    package convenience init(_ identity: DeclineIdentity, orderID: String, kind: Kind, sequence: Int, subscription: Subscription? = nil) {
        self.init(
            Parts(
                merchantID: identity.merchantID, letters: identity.letters, orderID: orderID, kind: kind, sequence: sequence,
                subscription: subscription))
    }

    /// The form of old, without merchant and tag.
    package convenience init(orderID: String, kind: Kind, sequence: Int, subscription: Subscription? = nil) {
        self.init(
            Parts(merchantID: nil, letters: nil, orderID: orderID, kind: kind, sequence: sequence, subscription: subscription))
    }

    private init(_ parts: Parts) {
        merchantID = parts.merchantID
        orderID = parts.orderID
        kind = parts.kind
        sequence = parts.sequence
        subscription = parts.subscription
        (text, tag) = parts.written()
    }

    /// What a reference is made of.
    private struct Parts {
        let merchantID: MerchantID?
        let letters: String?
        let orderID: String
        let kind: Kind
        let sequence: Int
        let subscription: Subscription?

        func written() -> (text: String, tag: String?) {
            var text = ""
            text.reserveCapacity(64)
            if let merchantID {
                text += RecoveryReference.escape(merchantID.text)
                text += "-"
            }
            text += RecoveryReference.escape(orderID)
            text += "-"
            text += kind.rawValue
            text += String(sequence)
            if let subscription {
                text += "-"
                text += RecoveryReference.escape(subscription.purchaseID)
                text += "-"
                text += RecoveryReference.escape(subscription.gatewayID.text)
            }
            guard let letters else { return (text, nil) }
            text += "-"
            text += letters
            let check = RecoveryReference.check(text)
            text += check
            return (text, letters + check)
        }
    }

    /// Reads a reference back; `nil` when the text is none that we write.
    ///
    /// Both forms can have four parts. The check letters tell: a text of old has them by chance once in 676 times, and only where a gateway's
    /// name is ten small letters long and a purchase reads like a kind.
    package convenience init?(_ text: some StringProtocol) {
        let text = String(text)
        // By bytes: whole characters are costly to tell apart, and nothing outside of ASCII is a reference.
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map(Substring.init)
        guard let read = Self.tagged(parts, text) ?? Self.old(parts, text) else { return nil }
        self.init(read)
    }

    private static func tagged(_ parts: [Substring], _ text: String) -> Parts? {
        guard parts.count == 4 || parts.count == 6, let tag = parts.last, tag.utf8.count == DeclineIdentity.letterCount + 2,
            tag.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }), let merchant = unescape(parts[0])
        else { return nil }
        return read(
            Array(parts[1..<parts.count - 1]), merchantID: MerchantID(merchant), letters: String(tag.prefix(DeclineIdentity.letterCount)),
            as: text)
    }

    private static func old(_ parts: [Substring], _ text: String) -> Parts? {
        guard parts.count == 2 || parts.count == 4 else { return nil }
        return read(parts, merchantID: nil, letters: nil, as: text)
    }

    /// The order, the kind with its sequence, and the subscription.
    private static func read(
        _ parts: [Substring], merchantID: MerchantID?, letters: String?, as text: String
    ) -> Parts? {
        guard let letter = parts[1].first, let kind = Kind(rawValue: String(letter)), let sequence = Int(parts[1].dropFirst()),
            sequence >= 0,
            let orderID = unescape(parts[0])
        else { return nil }
        var subscription: Subscription?
        if parts.count == 4 {
            guard let purchaseID = unescape(parts[2]), let gatewayID = unescape(parts[3]) else { return nil }
            subscription = Subscription(purchaseID: purchaseID, gatewayID: GatewayID(gatewayID))
        }
        let read = Parts(
            merchantID: merchantID, letters: letters, orderID: orderID, kind: kind, sequence: sequence, subscription: subscription)
        // One spelling only: `S007`, lower-case escapes and other check letters are other texts, not other spellings.
        return read.written().text == text ? read : nil
    }

    /// The same without merchant and tag: all recoveries of that kind and number.
    package var family: RecoveryReference {
        tag == nil ? self : RecoveryReference(orderID: orderID, kind: kind, sequence: sequence, subscription: subscription)
    }

    /// Two letters drawn from a text.
    private static func check(_ text: String) -> String {
        let number = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return DeclineIdentity.letters(of: number ^ number >> 32, count: 2)
    }

    package var description: String { text }

    // Both compare the travelling text, which is one-to-one with the parts.
    package static func == (left: RecoveryReference, right: RecoveryReference) -> Bool { left === right || left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func escape(_ part: String) -> String {
        if part.utf8.allSatisfy(isPlain) { return part }
        var escaped = ""
        for byte in part.utf8 {
            if isPlain(byte) {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                escaped += hex.utf8.count == 1 ? "~0" + hex : "~" + hex
            }
        }
        return escaped
    }

    private static func unescape(_ part: some StringProtocol) -> String? {
        if part.utf8.allSatisfy(isPlain) { return String(part) }
        var bytes: [UInt8] = []
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "~") {
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                guard isPlain(byte) else { return nil }
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
