extension JournalRecord {
    /// The recovery by whose name a decline is told that came in two forms: what came of this one is no result of its own, and counts
    /// there.
    package var otherForm: RecoveryReference? {
        // What older workers told by this name names the other as well, and is a result.
        guard fate == .ignored || fate == .told && reason == ToldMoney.again, let other = otherRecovery, other != reference,
            other.isOfSameDecline(as: reference)
        else { return nil }
        return other
    }
}
