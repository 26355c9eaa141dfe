extension Recovery {
    /// Copies of one decline may say different amounts. FlexFactor may have the one that was claimed first, so for as long as it may, that is
    /// what every copy asks for and tells: what is told is what was taken. Where it turns out to have nothing of that, the copy's own amount
    /// counts: FlexFactor may have refused the other.
    mutating func agree(on amount: Money) {
        guard amount != self.amount else { return }
        agreedAmount = amount == ownAmount ? nil : amount
        charge = charge?.of(amount)
    }
}
