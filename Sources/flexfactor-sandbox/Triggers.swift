/// What becomes of a charge, decided by the card (or by a token that names its fate).
enum Fate: Sendable, Equatable {
    case approve, decline, challenge, captureRequired
    /// Sync merchant-initiated charges: approved at the n-th post of the same order.
    case approveAtPost(Int)
    /// Managed merchant-initiated charges: how they end, after a share of the time until expiry.
    case managedApprove, managedExpire, managedCancel
    case refundLater, chargebackLater
}

/// A fault that a token asks for, at the first evaluate of its order only; a hang comes at each.
enum TokenFault: Sendable {
    case timeoutAfter, resetBefore, resetAfter, errorBefore, errorAfter, hang
}

enum Triggers {
    /// Sandbox-only tokens, for callers that do not tokenize. What follows a dot is ignored, so that tokens can be unique.
    static let tokens: [(name: String, fate: Fate, fault: TokenFault?, what: String)] = [
        ("tok_approve", .approve, nil, "approved"),
        ("tok_decline", .decline, nil, "declined"),
        ("tok_challenge", .challenge, nil, "CHALLENGE"),
        ("tok_capture", .captureRequired, nil, "CAPTUREREQUIRED"),
        ("tok_approve_after_2", .approveAtPost(2), nil, "sync MIT: approved at the 2nd post"),
        ("tok_approve_after_3", .approveAtPost(3), nil, "sync MIT: approved at the 3rd post"),
        ("tok_managed_approve", .managedApprove, nil, "managed MIT: completed at a tenth of the time until expiry"),
        ("tok_managed_expire", .managedExpire, nil, "managed MIT: expires"),
        ("tok_managed_cancel", .managedCancel, nil, "managed MIT: cancelled at a tenth of the time until expiry"),
        (
            "tok_refund_later", .refundLater, nil,
            "approved, refunded a day later (managed MIT: at most a tenth of the time until expiry later)"
        ),
        ("tok_chargeback_later", .chargebackLater, nil, "approved, charged back a day later (managed MIT: as above)"),
        ("tok_timeout_then_approve", .approve, .timeoutAfter, "approved, but the first evaluate is never answered"),
        ("tok_timeout_then_decline", .decline, .timeoutAfter, "declined, but the first evaluate is never answered"),
        ("tok_reset_before", .approve, .resetBefore, "the first evaluate is reset and not executed; the repeat is approved"),
        ("tok_reset_after_approve", .approve, .resetAfter, "the first evaluate is executed and reset"),
        ("tok_500_then_approve", .approve, .errorBefore, "the first evaluate answers 500 and is not executed"),
        ("tok_hang", .decline, .hang, "no evaluate is ever executed or answered; GET /sandbox/hung counts them"),
        ("tok_500_after_approve", .approve, .errorAfter, "the first evaluate is executed and answers 500"),
    ]

    /// The fate of a card (facts published for FlexFactor's own sandbox) or token.
    static func fate(card: String, isMIT: Bool, hasExpiry: Bool, phone: String?, isAuthorization: Bool) -> (Fate, TokenFault?) {
        if card.hasPrefix("tok_") {
            let name = card.split(separator: ".")[0]
            if let token = tokens.first(where: { $0.name == name }) { return (token.fate, token.fault) }
            return (isMIT && hasExpiry ? .managedExpire : .decline, nil)
        }
        switch card {
        case "4111111111111111": return (phone?.hasPrefix("+99.") == true ? .challenge : .decline, nil)
        case "4000002760003184":
            if isMIT { return (hasExpiry ? .managedApprove : .approve, nil) }
            if phone == "998888", isAuthorization { return (.captureRequired, nil) }
            return (.approve, nil)
        case "51002600235851", "5100260023585110": return (.approve, nil)
        default: return (isMIT && hasExpiry ? .managedExpire : .decline, nil)
        }
    }
}
