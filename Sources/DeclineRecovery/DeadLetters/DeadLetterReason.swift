/// Why a message could not be processed (behaviour.md §10).
public enum DeadLetterReason: String, Sendable, CaseIterable {
    /// Not JSON, or not within its limits: nobody can be answered.
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
    /// No queue was bound for it.
    case unroutable

    /// What an operator does about it.
    public var advice: String {
        switch self {
        case .unreadable: "Find the publisher by the original exchange, routing key and headers, and mend what it writes."
        case .invalidEvent: "Mend the fields named, at the CRM, and publish the decline again."
        case .cardDataInClear: "Stop the CRM from sending card data; send a FlexFactor token or an encrypted card instead."
        case .unknownMerchant: "Add the merchant to the configuration, or mend the CRM's merchantId; then publish the decline again."
        case .unexpectedType: "Publish declines as com.salvage.decline.v1 to the declines exchange; nobody else writes to the work queues."
        case .noCardKey: "Send a FlexFactor token, or give the worker the private key that the card was encrypted to."
        case .cardUnusable: "Compare how the CRM encrypts with `salvage keys new --help`, and which key it uses; publish the decline again."
        case .attemptsSpent: "Find out why FlexFactor cannot be reached (log, circuit metric, FlexFactor's status); then publish the decline again."
        case .cancelFailed: "Cancel the order at FlexFactor by hand; its recovery reference is FlexFactor's external order id."
        case .refusedByFlexFactor: "Read FlexFactor's field errors; mend the event or the gateway's configuration, and publish the decline again."
        case .crashesWorkers:
            "Find in the logs what ended the workers. Replay only what is replayable; else look the order up at FlexFactor and settle it by hand."
        case .unroutable: "Bind a queue to the exchange for the routing key (`salvage topology apply` for ours), then replay."
        case .outcomeUnknown: "Look the order up at FlexFactor by its recovery reference and settle it by hand. Do not replay."
        }
    }
}
