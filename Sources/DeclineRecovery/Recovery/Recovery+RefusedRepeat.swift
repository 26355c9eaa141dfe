/// FlexFactor refuses the repeats of a retry's post that was not answered: whoever sent it first may have died before the answer.
///
/// Mostly the first was refused as well. But it may have been taken, and what FlexFactor took yesterday it may refuse today. So FlexFactor is asked by
/// the one call that knows our reference: where it denies the order, as often as absence takes, the refusal is the end; where there is one, the
/// recovery goes on with it.
extension Recovery {
    /// Whether it is closed only to be asked for.
    func isAskedFor(_ until: Moment, _ now: Moment) -> Bool {
        guard evidence.refusal != nil, case .closing(nil, _) = phase else { return false }
        return now < until && !isUnwanted
    }

    mutating func goOn(with id: FlexFactorOrderID?) {
        evidence.refusal = nil
        phase = .seeking(id)
    }

    /// What FlexFactor refused was told of another publication: this one is posted under the next key, while there is time.
    mutating func goOn(withPost next: Int) {
        post = next
        evidence.beginPost()
        if case .closing(nil, _) = phase { phase = .due }
    }
}
