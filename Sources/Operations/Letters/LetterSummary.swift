package import DeclineRecovery

/// What the book keeps of one letter.
package struct LetterSummary: Sendable, Equatable {
    package let id: UUID5
    package let reason: DeadLetterReason
    package let stage: Stage
    /// Of its latest writing.
    package internal(set) var explanation: String
    /// Of its latest writing, which is what a replay sends.
    package internal(set) var handling: LetterHandling
    /// Of that one: why it cannot succeed as it is, where it is corrected first.
    package internal(set) var lack: String?
    package let merchantID: MerchantID?
    package let orderID: String?
    package let reference: RecoveryReference?
    package let gatewayID: GatewayID?
    package let attempts: Int
    /// The CRM was told what to mend and to send it again, and nobody else need do anything.
    package internal(set) var isForCRM: Bool
    package let firstAt: Moment
    package internal(set) var lastAt: Moment
    /// How often it was written: by redeliveries, replays, and messages that were published again.
    package internal(set) var occurrences = 1
    package internal(set) var state = LetterState.open
    /// Where its latest writing stands in the stream.
    package internal(set) var offset: Int64
    /// Where the records about it stand.
    package internal(set) var records: [Int64] = []
    /// Of the message that died last.
    package internal(set) var trace: UUID5?
    /// The run that replayed it last.
    package internal(set) var run: UUID5?
    /// The run whose replay died.
    package internal(set) var failedRun: UUID5?
    /// The letter that its replay became, where that is another one: of another cause, or at another stage.
    package internal(set) var successor: UUID5?
    package internal(set) var resolution: LetterRecord.Resolution?

    init(_ letter: DeadLetter, explanation: String, trace: UUID5?, at offset: Int64) {
        id = letter.id
        reason = letter.reason
        stage = letter.stage
        self.explanation = explanation
        handling = letter.handling
        lack = handling == .editFirst ? letter.lack : nil
        merchantID = letter.subject.merchantID
        orderID = letter.subject.orderID
        reference = letter.subject.reference
        gatewayID = letter.subject.gatewayID
        attempts = letter.attempts
        isForCRM = letter.isForCRM
        firstAt = letter.writtenAt
        lastAt = letter.writtenAt
        self.offset = offset
        self.trace = trace
    }

    /// Whether somebody has to do something about it. A letter whose replay died as another letter is seen to there.
    package var isToDo: Bool {
        switch state {
        case .open: true
        case .failedAgain: successor == nil
        case .replayed, .resolved, .discarded: false
        }
    }

    /// What somebody has to do about it, in a few words; `nil` where nobody has to do anything.
    package var toDo: String? {
        if !isToDo { return nil }
        return reason.needsCRMConsent ? LetterHandling.consentWords : waitsForCRM ? LetterHandling.crmWords : handling.words
    }

    /// Whether the CRM's mended event is waited for; it resolves the letter by itself. An operator whose replay failed has it in hand.
    package var waitsForCRM: Bool { state == .open && isForCRM }
}

package enum LetterState: String, Sendable, CaseIterable {
    case open
    /// Its message is under way again; what comes of it is not known yet.
    case replayed
    case failedAgain = "failed_again"
    case resolved, discarded
}
