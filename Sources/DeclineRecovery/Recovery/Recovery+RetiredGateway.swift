extension Recovery {
    /// What routing says of a decline that has no other gateway than a retired one: so is told what nobody has sent.
    package var skipAtRetiredGateway: SkipReason {
        switch route {
        case .cascade: .noCascade
        case .retry: reference.kind == .recurring ? .notRecycledHere : .notFlexFactor
        }
    }
}
