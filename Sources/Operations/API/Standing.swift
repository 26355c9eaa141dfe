package import DeclineRecovery

/// How things stand, counted in one place for all who show it: the overview, its tiles, the header, the metrics.
package struct Standing: Sendable {
    /// Letters that only an operator can see to, by what they died of and what may be done with them.
    package let toDo: [DeadLetterReason: [LetterHandling: Int]]
    /// Letters of faulty events that the CRM was told to mend and send again.
    package let withCRM: [DeadLetterReason: Int]
    /// Since when the oldest of them waits.
    package let withCRMSince: [DeadLetterReason: Moment]
    /// Messages in the stream of letters that this version cannot read.
    package let unreadable: Int
    /// Recoveries whose charge may have happened, and which are being settled.
    package let settling: Int
    /// Letters whose charge may have happened, and which only an operator can settle.
    package let inDoubt: Int
    /// Since when the oldest of both is unknown.
    package let oldestUnknown: Moment?
    /// Recoveries under way that wait for their next step.
    package let parked: Int

    /// Every charge of which nobody knows whether it happened.
    package var unknown: Int { settling + inDoubt }

    package init(_ letters: LetterStore, _ flow: FlowStore) {
        let doubt: (count: Int, oldest: Moment?)
        (toDo, withCRM, withCRMSince, doubt) = letters.look { ($0.toDo(), $0.withCRM(), $0.withCRMSince(), $0.inDoubt()) }
        unreadable = letters.unreadable.count
        inDoubt = doubt.count
        let since: Moment?
        (settling, since, parked) = flow.look { book in
            let unknown = book.open.values.compactMap(\.unknownSince)
            return (unknown.count, unknown.min(), book.open.values.count { $0.until != nil })
        }
        oldestUnknown = [doubt.oldest, since].compactMap { $0 }.min()
    }
}
