/// What a result that was told says of the money. Metrics count by it while it is told, the sums of the journal when it is read: what is a sale
/// is decided here for both.
package struct ToldMoney: Sendable, Equatable {
    /// What is so now; `nil` where that was told in a word of a newer version.
    package let makesTrue: ResultKind?
    /// Another end was told before.
    package let isCorrection: Bool
    /// It was told before, and is told once more.
    package let isAgain: Bool

    /// The reason of what was told before.
    package static let again = "told_again"

    /// - Parameter becomes: what a correction makes true. Records of old do not say it; their reason does.
    package init(_ kind: ResultKind?, reason: String?, becomes: ResultKind?) {
        isCorrection = kind == .correction
        isAgain = reason == Self.again
        makesTrue = becomes ?? (isCorrection ? reason.flatMap(ResultReason.init(code:))?.kind : kind)
    }

    /// Told for the first time: the money is in.
    package var isNewSale: Bool { makesTrue == .approved && !isAgain }
}
