/// Why a message could not be processed (behaviour.md §10).
package enum DeadLetterReason: String, Sendable, CaseIterable {
    /// Not JSON, or not within its limits: only whoever named a queue for the reply can be answered.
    case unreadable
    /// A decline event with faults.
    case invalidEvent = "invalid_event"
    /// A card number or a security code in clear; the stored copy is redacted.
    case cardDataInClear = "card_data_in_clear"
    /// The configuration has no such merchant.
    case unknownMerchant = "unknown_merchant"
    /// Not a message that this stage takes.
    case unexpectedType = "unexpected_type"
    /// The card is encrypted, and this worker holds no key for it.
    case noCardKey = "no_card_key"
    /// The encrypted card cannot be opened, or does not hold a card.
    case cardUnusable = "card_unusable"
    /// FlexFactor could not be reached for as often as is allowed; nothing was sent.
    case attemptsSpent = "attempts_spent"
    /// The CRM's cancel command could not be carried out in time.
    case cancelFailed = "cancel_failed"
    /// FlexFactor refuses the request as it stands.
    case refusedByFlexFactor = "refused_by_flexfactor"
    /// FlexFactor could not tell whether it took the money. Such a letter is reconciled, never replayed.
    case outcomeUnknown = "outcome_unknown"
    /// Its worker ended, or lost the broker, each time it was tried; in the end it was tried alone.
    case crashesWorkers = "crashes_workers"
    /// The CRM's refund may have been carried out, and FlexFactor did not say.
    case refundUnknown = "refund_unknown"
    /// A webhook that FlexFactor's order does not bear out, or that is of test mode at a gateway of production. Nothing was told.
    case untrustedWebhook = "untrusted_webhook"
    /// No queue was bound for it.
    case unroutable
    /// A limit of a queue put it out before anybody had taken it: time, length, or deliveries.
    case droppedByBroker = "dropped_by_broker"
    /// Money stands against what the CRM was told: it was taken after all, or twice.
    case toldOtherwise = "told_otherwise"

    /// What an operator does about it.
    package var advice: String {
        switch self {
        case .unreadable: "Find the publisher by the original exchange, routing key and headers, and mend what it writes."
        case .invalidEvent: "Correct the fields named and replay it, or have the CRM mend them and publish the decline again."
        case .cardDataInClear:
            "Stop the CRM from sending card data; it must send a FlexFactor token or an encrypted card, and publish the decline again."
        case .unknownMerchant: "Add the merchant to the configuration and reload the workers, or correct merchantId; then replay it."
        case .unexpectedType:
            "Find out who writes to the work queues: only Salvage's own workers may. Declines go to the declines exchange."
        case .noCardKey: "Give the workers the private key that the card was encrypted to (SALVAGE_CARD_KEYS), then replay it."
        case .cardUnusable:
            "Compare how the CRM encrypts with `salvage keys new --help`, and which key it uses; then replay it with a card that opens."
        case .attemptsSpent:
            "Find out why FlexFactor cannot be reached (log, circuit, FlexFactor's status). When it is back, and the CRM's people agree, replay it."
        case .cancelFailed:
            "Once what kept it is over, replay the command; or cancel the order at FlexFactor by hand: its external order id is the recovery reference."
        case .refusedByFlexFactor: "Read FlexFactor's field errors; correct the message or the gateway's configuration, then replay it."
        case .crashesWorkers:
            "Find in the logs what ended the workers. What may be charged is reconciled; the rest is replayed once the cause is mended."
        case .refundUnknown:
            "Look the order up in FlexFactor's portal. Where nothing was given back, replay it; where it was, discard it: its webhook tells the CRM."
        case .untrustedWebhook:
            "Compare the news with the order in FlexFactor's portal, and the gateway's configuration with whose webhooks come there. Replayed, it is checked again."
        case .unroutable: "Bind a queue to the exchange for the routing key (`salvage topology apply` for ours), then replay it."
        case .droppedByBroker:
            "Lift the limit that is named (`salvage topology check --definitions` names policies that lose messages), or have the queue read in time; then replay it."
        case .toldOtherwise:
            "If the CRM was told that nothing was charged, it has the correction: ask its people whether the order was charged elsewhere meanwhile. If it was, or FlexFactor took money by two orders, refund one of the two in FlexFactor's portal. Where FlexFactor shows an approved order as cancelled, ask FlexFactor which is true, and put the order right in the CRM. Then mark the letter as resolved."
        case .outcomeUnknown: "Reconcile it: FlexFactor is asked what became of the order, and the CRM is told."
        }
    }
}

extension DeadLetterReason {
    package var crmWasTold: ResultKind? {
        switch self {
        case .invalidEvent, .cardDataInClear, .unknownMerchant, .noCardKey, .cardUnusable, .refusedByFlexFactor: .rejected
        case .attemptsSpent: .skipped
        default: nil
        }
    }

    package var needsCRMConsent: Bool { crmWasTold == .skipped }
}
