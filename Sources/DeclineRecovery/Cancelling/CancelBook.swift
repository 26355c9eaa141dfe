/// The cancel commands that are known, by what they name.
package struct CancelBook: Sendable {
    /// Two merchants may have orders of the same id.
    private struct Name: Hashable {
        let merchantID: MerchantID
        let reference: RecoveryReference
    }

    /// Until when what was declined is meant.
    private var known: [Name: Moment] = [:]

    package init() {}

    package mutating func take(_ notice: CancelNotice) {
        let name = Name(merchantID: notice.merchantID, reference: notice.reference)
        // One that names a recovery by its reference means that one; of the others older workers do not say when they were given.
        let time = notice.reference.tag == nil ? notice.time : nil
        let until = time.map { $0 + Self.allowance } ?? Moment(milliseconds: .max)
        known[name] = max(known[name] ?? until, until)
    }

    /// Whether a recovery is to be cancelled.
    ///
    /// - Parameter declinedAt: what was declined after a command that names its rebill is not meant by it; `nil` for whenever.
    package func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool {
        // A command that names a rebill stops all of its re-attempts, whose tags the CRM does not know.
        [reference, reference.family].contains { reference in
            known[Name(merchantID: merchant, reference: reference)].map { declinedAt ?? $0 <= $0 } ?? false
        }
    }

    /// How far the clocks of what declines and of what cancels may be apart, and how long a charge may be under way at a gateway that the CRM
    /// stops meanwhile.
    package static let allowance: Moment.Span = .minutes(10)
}
