/// The identity of a recovery: `<order id>-<kind><sequence>[-<purchase id>-<gateway id>]`, e.g. `A1B2C3D4E5-R7-88123-42` (messages.md, "Recovery reference").
///
/// FlexFactor gets it as `orderId`, people see it there, and a webhook brings it back; it holds all that a result needs when only a
/// webhook is at hand. Deterministic: the same decline gives the same reference on every pod and at every repeat.
///
/// The parts are joined with `-`, so within a part every byte outside `A-Z a-z 0-9 . _` stands as `~` and two capital hex digits.
/// The text is therefore plain ASCII, safe in a URL path, and has exactly one reading.
public struct RecoveryReference: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
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

        public var orderType: OrderType {
            switch self {
            case .sale, .trialCompletion, .rerun, .trialCompletionRerun: .newSale
            case .recurring, .recurringRerun, .recurringCascade: .recurring
            }
        }

        public var isTrialCompletion: Bool { self == .trialCompletion || self == .trialCompletionRerun }

        /// Whether FlexFactor works on it for days, rather than answering at once.
        public var isRetry: Bool {
            switch self {
            case .sale, .trialCompletion, .recurringCascade: false
            case .rerun, .trialCompletionRerun, .recurringRerun, .recurring: true
            }
        }
    }

    public let orderID: String
    public let kind: Kind
    /// The rerun number or the billing cycle; 0 for a sale that has neither.
    public let sequence: Int
    public let subscription: Subscription?
    /// The whole, as it travels.
    public let text: String

    /// What the result of a rebill, or of a sale with recurring products, needs beside the order.
    public struct Subscription: Hashable, Sendable {
        public let purchaseID: String
        /// The gateway that declined, and to which the next billing reverts.
        public let gatewayID: GatewayID

        public init(purchaseID: String, gatewayID: GatewayID) {
            self.purchaseID = purchaseID
            self.gatewayID = gatewayID
        }
    }

    public init(orderID: String, kind: Kind, sequence: Int, subscription: Subscription? = nil) {
        self.orderID = orderID
        self.kind = kind
        self.sequence = sequence
        self.subscription = subscription
        var text = Self.escape(orderID) + "-" + kind.rawValue + String(sequence)
        if let subscription {
            text += "-" + Self.escape(subscription.purchaseID) + "-" + Self.escape(subscription.gatewayID.text)
        }
        self.text = text
    }

    /// Reads a reference back; `nil` when the text is not one that `init(orderID:kind:sequence:subscription:)` writes.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 4, let letter = parts[1].first, let kind = Kind(rawValue: String(letter)),
            let sequence = Int(parts[1].dropFirst()), sequence >= 0, let orderID = Self.unescape(parts[0])
        else { return nil }
        var subscription: Subscription?
        if parts.count == 4 {
            guard let purchaseID = Self.unescape(parts[2]), let gatewayID = Self.unescape(parts[3]) else { return nil }
            subscription = Subscription(purchaseID: purchaseID, gatewayID: GatewayID(gatewayID))
        }
        self.init(orderID: orderID, kind: kind, sequence: sequence, subscription: subscription)
        // One spelling only: `S007` and lower-case escapes are other texts, not other spellings.
        guard self.text == text else { return nil }
    }

    public var description: String { text }

    // Both compare the travelling text, which is one-to-one with the parts.
    public static func == (left: RecoveryReference, right: RecoveryReference) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }

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
