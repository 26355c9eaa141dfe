package import DeclineRecovery
package import JSON
package import Pipeline

/// A dry run: what a replay would do with each letter, by the same rules, sending nothing.
package struct DryRun: Sendable {
    private let tools: LetterTools
    private let correction: LetterCorrection?
    private let consent: ReplayConsent

    package init(tools: LetterTools, correction: LetterCorrection?, consent: ReplayConsent) {
        self.tools = tools
        self.correction = correction
        self.consent = consent
    }

    /// Whether the sale would not be tried at all: at intake a skip ends it.
    static func onlySkips(_ forecast: Forecast, at stage: Stage) -> Bool { forecast.verdict == .skips && stage == .intake }

    /// The consent by which a refusal would be none (`ReplayConsent`).
    package enum Lifting: Sendable {
        case ofCRM, toSkips
    }

    package struct Outcome: Sendable {
        package let letter: LetterSummary
        /// Why it would not be sent.
        package let refusal: String?
        /// What would have it sent all the same.
        package let lifting: Lifting?
        /// Whether, and why, the CRM's people must agree.
        let needsConsent: CRMConsent?
        package let forecast: Forecast
        package let differences: [JSONDifference]
        /// The message with its correction.
        package let body: [UInt8]

        /// Whether it would not be sent only because the CRM would be told `skipped`.
        var wouldSkip: Bool { lifting == .toSkips }

        /// With the first fault that stands behind it.
        var refusalInFull: String? {
            refusal.map { why in
                guard forecast.verdict == .fails, let fault = forecast.faults.first, !why.contains(fault.message) else { return why }
                return "\(why) \(fault.path): \(fault.message)"
            }
        }

        package var json: JSONValue {
            .object(of: [
                ("letter", .string(letter.id.description)), ("orderId", .text(letter.orderID)),
                ("mayReplay", .bool(refusal == nil)),
                ("why", .text(refusal)), ("needsCrmConsent", .text(needsConsent?.sentence)),
                ("forecast", LetterView.forecast(forecast, at: letter.stage)), ("differences", LetterView.differences(differences)),
            ])
        }
    }

    package func run(_ selection: LetterSelection) async throws(BrokerFailure) -> [Outcome] {
        var outcomes: [Outcome] = []
        for part in try await tools.store.letters(of: selection).parts(of: 500) {
            let whole = Dictionary(
                try await tools.store.letters(at: part.map(\.offset)).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            outcomes += part.compactMap { letter in whole[letter.id].map { run(letter, $0) } }
        }
        return outcomes
    }

    package func run(_ summary: LetterSummary, _ letter: DeadLetter) -> Outcome {
        run(
            summary, letter,
            edit: correction.map {
                LetterEdit.make($0, of: letter, merchants: tools.forecaster().merchants, now: tools.clock.now())
            })
    }

    /// - Parameter edit: what came of the correction; `nil` where there is none.
    func run(_ summary: LetterSummary, _ letter: DeadLetter, edit: Result<LetterEdit, LetterEditRefusal>?) -> Outcome {
        let forecaster = tools.forecaster()
        let refused = LetterAction.Kind.replay.refusal(of: summary, isCorrected: correction != nil)
        func outcome(_ body: [UInt8], _ differences: [JSONDifference], _ refusal: String?) -> Outcome {
            let forecast = forecaster.forecast(body, at: letter.stage)
            let lacking = CardDataGuard.isMarked(body) ? DeadLetter.lackOfCard : nil
            let failing = forecast.verdict == .fails ? forecast.sentence : nil
            let needed = CRMConsent(for: letter, sending: body)
            let unagreed = consent.ofCRM ? nil : needed?.sentence
            let wouldSkip = Self.onlySkips(forecast, at: letter.stage) && !consent.toSkips
            let final = refusal ?? lacking ?? failing
            let skipped = wouldSkip ? "it would only be skipped: \(forecast.sentence)" : nil
            return Outcome(
                letter: summary, refusal: final ?? unagreed ?? skipped,
                lifting: final != nil ? nil : unagreed != nil ? .ofCRM : wouldSkip ? .toSkips : nil,
                needsConsent: needed, forecast: forecast, differences: differences, body: body)
        }
        return switch edit {
        case nil: outcome(letter.original.redactedBody, [], refused)
        case .failure(let refusal)?: outcome(letter.original.redactedBody, [], refusal.description)
        case .success(let edit)?: outcome(edit.after.bytes, edit.differences, refused)
        }
    }
}
