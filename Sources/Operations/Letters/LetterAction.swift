package import DeclineRecovery

/// What an operator asks for.
package enum LetterAction: Sendable, Equatable {
    case replay(correction: LetterCorrection?, isCanary: Bool, rate: Int, consent: ReplayConsent)
    case reconcile
    case discard
    case restore
    case resolve

    package enum Kind: String, Sendable, CaseIterable {
        case replay, reconcile, resolve, discard, restore
    }

    package var kind: Kind {
        switch self {
        case .replay: .replay
        case .reconcile: .reconcile
        case .discard: .discard
        case .restore: .restore
        case .resolve: .resolve
        }
    }

    package var word: String { kind.rawValue }
}

/// What may be done with a letter, and what comes of it: said here, to whoever acts and to whoever is offered it.
extension LetterAction.Kind {
    /// Whether others must be able to read why.
    package var needsNote: Bool {
        switch self {
        case .replay, .discard, .resolve: true
        case .reconcile, .restore: false
        }
    }

    /// The states in which a letter may take it at all.
    var states: Set<LetterState> {
        switch self {
        case .replay, .reconcile: [.open, .failedAgain]
        case .resolve: [.open, .failedAgain, .replayed, .discarded]
        case .discard: [.open, .failedAgain, .replayed]
        case .restore: [.failedAgain, .replayed, .resolved, .discarded]
        }
    }

    /// Why it may not be done to a letter, as far as its summary tells.
    ///
    /// - Parameter isCorrected: of a replay that brings a correction.
    func refusal(of letter: LetterSummary, isCorrected: Bool = false) -> String? {
        switch (self, letter.state) {
        case (.replay, .replayed): "its message is under way already; restore it if its message is lost"
        case (.replay, .resolved), (.replay, .discarded): "it is \(letter.state.rawValue); restore it first"
        case (.replay, .failedAgain) where !letter.isToDo: Self.succeeded(letter)
        case (.replay, .open), (.replay, .failedAgain):
            switch letter.handling {
            case .reconcile: "the charge may have happened: it is reconciled, never sent again"
            case .editFirst where !isCorrected: "it cannot succeed as it is: \(letter.lack ?? "it needs a correction first")"
            case .editFirst, .replay: nil
            }
        case (.reconcile, _) where letter.handling != .reconcile:
            "nothing of it was charged: it is replayed or discarded, not reconciled"
        case (.reconcile, .failedAgain) where !letter.isToDo: Self.succeeded(letter)
        case (.reconcile, _): letter.isToDo ? nil : "it is \(letter.state.rawValue) already"
        case (.restore, _): letter.isToDo ? "it is open already" : nil
        case (.discard, .discarded): "it is discarded already"
        case (.resolve, .resolved): "it is resolved already"
        case (.discard, .resolved): "it is resolved; restore it first if it must be seen to again"
        case (.discard, _), (.resolve, _): nil
        }
    }

    private static func succeeded(_ letter: LetterSummary) -> String {
        "its replay became the letter \(letter.successor?.description ?? "of another cause"); see to that one"
    }

    /// Whether somebody who looks at the letter would look for it: that what is resolved cannot be discarded, nobody asks.
    func isMissed(at letter: LetterSummary) -> Bool {
        switch self {
        case .replay: true
        case .reconcile: letter.isToDo && letter.handling == .reconcile
        case .discard, .resolve: letter.isToDo
        case .restore: !letter.isToDo
        }
    }

    /// What will happen when it is confirmed.
    ///
    /// - Parameter onlyResults: the messages are results for the CRM, and no work.
    func consequence(of count: Int, onlyResults: Bool) -> String {
        let (letters, they) = count == 1 ? ("1 letter", "it") : ("\(count) letters", "they")
        return switch self {
        case .replay where onlyResults:
            "\(letters) will be sent again to whatever queue is bound now. Nothing is charged by that. What no queue takes comes back to this list."
        case .replay:
            "\(letters) will be sent again to where \(they) came from, and worked on under today's mapping and configuration. Customers may be charged, as by any decline that is worked on. A letter that fails again comes back to this list."
        case .reconcile:
            "FlexFactor will be asked what became of the charge behind \(letters); an order that is still open there is cancelled and looked at once more. The CRM is told the truth. Nothing is charged again."
        case .resolve:
            "\(letters) will be marked as resolved by hand and leave the list. Nothing is sent to anybody. It can be restored."
        case .discard:
            "\(letters) will be discarded: the work in the message is given up and nobody is told. It can be restored as long as the letter is kept."
        case .restore: "\(letters) will be put back into the list of what is to do. Nothing is sent to anybody."
        }
    }

    /// What is to be thought of where messages were replayed and nobody knows yet what became of them.
    func caution(of underWay: Int, among count: Int) -> String? {
        let messages = count == 1 ? "Its message was" : "The messages of \(underWay) of them were"
        let advice: String? =
            switch self {
            case .restore: "Restore only what is lost to sight; the order's timeline says how far it came."
            case .resolve, .discard: "This does not call anything back."
            case .replay, .reconcile: nil
            }
        guard underWay > 0, let advice else { return nil }
        return "\(messages) replayed and may still be under way. \(advice)"
    }
}

extension LetterHandling {
    /// What is to be done, in a few words.
    var words: String {
        switch self {
        case .replay: "can be replayed"
        case .editFirst: "correct it first"
        case .reconcile: "reconcile, never replay"
        }
    }

    static let consentWords = "ask the CRM, then replay"
    static let crmWords = "the CRM mends it, or correct it"
}
