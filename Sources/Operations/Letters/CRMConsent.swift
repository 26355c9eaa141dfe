import DeclineRecovery
package import JSON

/// Why only the CRM's people can say whether a replay would charge an order twice.
package enum CRMConsent: Sendable, Equatable {
    /// The CRM was told `skipped`, and may have charged the order by its own rules.
    case toldSkipped
    /// The correction changes what tells the recovery from others. The CRM was told to send the order again; if it did, both are charged.
    case otherRecovery(JSONPointer)

    /// Whether it is needed to send a letter's message.
    ///
    /// - Parameter body: the message as it would be sent.
    init?(for letter: DeadLetter, sending body: [UInt8]) {
        if letter.needsCRMConsent {
            self = .toldSkipped
        } else if let path = Self.changedIdentity(of: letter, body) {
            self = .otherRecovery(path)
        } else {
            return nil
        }
    }

    package var sentence: String {
        switch self {
        case .toldSkipped: "the CRM was told `skipped` and may have charged the order elsewhere: its people must agree first"
        case .otherRecovery(let path):
            "\(path) makes another recovery of it, and both would be charged if the CRM has sent the order again by itself: its people must agree first"
        }
    }

    /// The first member of a recovery's reference that differs and had no fault: what the CRM sends again by itself has it as it was.
    private static func changedIdentity(of letter: DeadLetter, _ body: [UInt8]) -> JSONPointer? {
        guard letter.stage == .intake, let before = letter.original.json, let after = try? JSONValue(parsing: body.span), before != after
        else { return nil }
        let faulty = Set(letter.faults.map(\.path))
        return identity.first { path in
            !faulty.contains("$." + path.tokens.joined(separator: ".")) && before[path] != after[path]
        }
    }

    /// What `RecoveryReference(for:)` and `Debt` read.
    private static let identity = [
        ["source"], ["id"], ["data", "merchantId"], ["data", "trigger"], ["data", "order", "id"], ["data", "order", "type"],
        ["data", "order", "trialCompletion"],
        ["data", "order", "hasRecurringProducts"], ["data", "order", "rerunNumber"], ["data", "order", "billingCycle"],
        ["data", "order", "purchaseId"], ["data", "order", "chargeId"], ["data", "decline", "gatewayId"],
    ].map(JSONPointer.init(tokens:))
}
