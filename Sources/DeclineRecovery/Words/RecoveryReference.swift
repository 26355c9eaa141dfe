import JSON

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
    package struct Subscription: Equatable, Sendable {
        package let purchaseID: String
        /// The gateway that declined, and to which the next billing reverts.
        package let gatewayID: GatewayID

        package static func == (one: Subscription, other: Subscription) -> Bool {
            one.purchaseID.hasSameCodePoints(as: other.purchaseID) && one.gatewayID == other.gatewayID
        }
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

    private convenience init(_ parts: Parts) {
        self.init(parts, as: parts.written())
    }

    private init(_ parts: Parts, as written: (text: String, tag: String?)) {
        merchantID = parts.merchantID
        orderID = parts.orderID
        kind = parts.kind
        sequence = parts.sequence
        subscription = parts.subscription
        (text, tag) = written
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
            // Nothing but the text asks for memory, for every event at intake has one.
            var text = ""
            text.reserveCapacity(96)
            if let merchantID {
                RecoveryReference.escape(merchantID.text, to: &text)
                text += "-"
            }
            RecoveryReference.escape(orderID, to: &text)
            text += "-"
            text += kind.rawValue
            text += String(sequence)
            if let subscription {
                text += "-"
                RecoveryReference.escape(subscription.purchaseID, to: &text)
                text += "-"
                RecoveryReference.escape(subscription.gatewayID.text, to: &text)
            }
            guard let letters else { return (text, nil) }
            text += "-"
            text += letters
            let check = RecoveryReference.check(text.utf8)
            text += check
            return (text, letters + check)
        }
    }

    /// Reads a reference back; `nil` when the text is none that we write.
    ///
    /// Both forms can have four parts. The check letters tell: a text of old has them by chance once in 676 times, and only where a gateway's
    /// name is ten small letters long and a purchase reads like a kind.
    ///
    /// One spelling only: `S007`, lower-case escapes and other check letters are other texts, not other spellings.
    package convenience init?(_ text: some StringProtocol) {
        let text = String(text)
        let bytes = Array(text.utf8)
        var parts: [ArraySlice<UInt8>] = []
        parts.reserveCapacity(6)
        var rest = bytes[...]
        while parts.count < 6, let dash = rest.firstIndex(of: UInt8(ascii: "-")) {
            parts.append(rest[..<dash])
            rest = rest[(dash + 1)...]
        }
        parts.append(rest)
        if let (read, tag) = Self.tagged(parts, bytes) {
            self.init(read, as: (text, tag))
        } else if let read = Self.old(parts) {
            self.init(read, as: (text, nil))
        } else {
            return nil
        }
    }

    private static func tagged(_ parts: [ArraySlice<UInt8>], _ bytes: [UInt8]) -> (Parts, tag: String)? {
        guard parts.count == 4 || parts.count == 6, let tag = parts.last, tag.count == DeclineIdentity.letterCount + 2,
            tag.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }),
            check(bytes.dropLast(2)).utf8.elementsEqual(tag.suffix(2)), let merchant = unescape(parts[0])
        else { return nil }
        let letters = String(decoding: tag.dropLast(2), as: UTF8.self)
        return read(parts[1..<parts.count - 1], merchantID: MerchantID(merchant), letters: letters).map {
            ($0, String(decoding: tag, as: UTF8.self))
        }
    }

    private static func old(_ parts: [ArraySlice<UInt8>]) -> Parts? {
        parts.count == 2 || parts.count == 4 ? read(parts[...], merchantID: nil, letters: nil) : nil
    }

    /// The order, the kind with its sequence, and the subscription.
    private static func read(_ parts: ArraySlice<ArraySlice<UInt8>>, merchantID: MerchantID?, letters: String?) -> Parts? {
        let first = parts.startIndex
        guard let letter = parts[first + 1].first, let kind = Kind(rawValue: String(Unicode.Scalar(letter))),
            let sequence = number(parts[first + 1].dropFirst()), let orderID = unescape(parts[first])
        else { return nil }
        var subscription: Subscription?
        if parts.count == 4 {
            guard let purchaseID = unescape(parts[first + 2]), let gatewayID = unescape(parts[first + 3]) else { return nil }
            subscription = Subscription(purchaseID: purchaseID, gatewayID: GatewayID(gatewayID))
        }
        return Parts(
            merchantID: merchantID, letters: letters, orderID: orderID, kind: kind, sequence: sequence, subscription: subscription)
    }

    /// Digits without a sign, and without zeros before them.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1, digits.count <= 19 else { return nil }
        var number = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isTooMuch) = tens.addingReportingOverflow(Int(digit & 0xF))
            if isTooLarge || isTooMuch { return nil }
            number = sum
        }
        return number
    }

    /// The same without merchant and tag: all recoveries of that kind and number.
    package var family: RecoveryReference {
        tag == nil ? self : RecoveryReference(orderID: orderID, kind: kind, sequence: sequence, subscription: subscription)
    }

    /// What all references of one decline share: whose it is, its order, and the letters of its identity.
    ///
    /// The order is among it, so that two declines of millions whose letters agree are not one.
    var decline: Substring? { tag?.prefix(DeclineIdentity.letterCount) }

    /// Whether both are made of one decline. Its event may come twice in two forms: with another purchase, say, or as another kind.
    package func isOfSameDecline(as other: RecoveryReference) -> Bool {
        guard let decline else { return self == other }
        return decline == other.decline && orderID.hasSameCodePoints(as: other.orderID) && merchantID == other.merchantID
    }

    /// Two letters drawn from a text.
    private static func check(_ text: some Sequence<UInt8>) -> String {
        let number = text.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
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

    private static func escape(_ part: String, to text: inout String) {
        // Nearly every part stands as it is.
        if part.utf8.allSatisfy(isPlain) {
            text += part
            return
        }
        for byte in part.utf8 {
            if isPlain(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                text += hex.utf8.count == 1 ? "~0" + hex : "~" + hex
            }
        }
    }

    /// What a part means; `nil` where it stands otherwise than we write it.
    private static func unescape(_ part: ArraySlice<UInt8>) -> String? {
        if part.allSatisfy(isPlain) { return String(decoding: part, as: UTF8.self) }
        var bytes: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "~") {
                guard let high = rest.popFirst().flatMap(capitalHexDigit), let low = rest.popFirst().flatMap(capitalHexDigit),
                    !isPlain(high << 4 | low)
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                guard isPlain(byte) else { return nil }
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func capitalHexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
