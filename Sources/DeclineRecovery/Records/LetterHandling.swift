/// What may be done with a letter, whatever the configuration says today.
package enum LetterHandling: String, Sendable, CaseIterable {
    /// Its message may be sent again as it is.
    case replay
    /// Its message cannot succeed as it is: it has faults, or card data was removed from it.
    case editFirst = "edit_first"
    /// The charge may have happened. FlexFactor is asked what became of it; nothing is sent again.
    case reconcile
}

extension DeadLetter {
    package var handling: LetterHandling {
        if mayBeCharged { return .reconcile }
        switch reason {
        case .unreadable, .invalidEvent, .cardDataInClear: return .editFirst
        default: return original.isTruncated || CardDataGuard.isMarked(original.redactedBody) ? .editFirst : .replay
        }
    }

    /// Why, as a sentence for an operator.
    package var handlingSentence: String {
        switch (handling, reason) {
        case (.reconcile, _):
            "The charge may have happened, so it is never sent again: reconcile asks FlexFactor what became of it, and settles it."
        case (.editFirst, _) where original.isTruncated:
            "It is longer than anything that is worked on (\(original.originalByteCount) bytes); only its beginning is kept. Have its publisher send it again."
        case (.editFirst, .unreadable): "It is no JSON that can be read. Correct the whole body, or have its publisher send it again."
        case (.editFirst, .invalidEvent): "It has faults and would be rejected again. Correct them, then replay."
        case (.editFirst, _): "Card data was removed from it. Put an encryptedCard in its place (`salvage keys seal`), then replay."
        case (.replay, .attemptsSpent):
            "It may be replayed once FlexFactor is back; but the CRM was told `skipped` and may have charged the order elsewhere. Ask its people first."
        case (.replay, _): "It may be replayed as soon as what kept it from being processed is mended."
        }
    }

    /// Of one that is corrected first: why it cannot succeed as it is, in a few words.
    package var lack: String {
        if original.isTruncated { return "only its beginning was kept; have its publisher send it again" }
        return switch reason {
        case .unreadable: "it is no JSON that can be read, and needs a correction first"
        case .invalidEvent: "it has faults, and needs a correction first"
        default: Self.lackOfCard
        }
    }

    package static let lackOfCard =
        "card data was removed from it when the letter was written; put an encryptedCard there (`salvage keys seal` makes one)"

    /// Only the event's publisher can mend it, and was told what is wrong and to send it again.
    package var isForCRM: Bool {
        switch reason {
        case .invalidEvent, .cardDataInClear, .cardUnusable: crmWasTold == .rejected
        default: false
        }
    }

    /// The CRM went on by its own rules and may have charged the order elsewhere: only its people can say whether a replay charges twice.
    package var needsCRMConsent: Bool { reason.needsCRMConsent }
}
