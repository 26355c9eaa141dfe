/// An order as `orders/{id}` shows it.
package struct FlexFactorOrder: Sendable, Equatable {
    package let id: FlexFactorOrderID
    package let state: State
    /// Our reference, where the account's orders are seen to echo it; not documented. What reads as no reference is FlexFactor's own, or
    /// another integration's, and no echo.
    package let echo: RecoveryReference?
    /// What the order is for, in minor units, where the order says so; not documented.
    package let minorUnits: Int64?
    package let currency: Currency?
    /// When it was opened, where the order says so.
    package let placedAt: Moment?
    /// Whose account it is of (mid), where the order says so; not documented.
    package let account: String?

    /// Facts/flexfactor-api.md §9; there is no state of its own for an expired order.
    package enum State: Hashable, Sendable {
        case draft, onHold, cancelled, problem, processing, captureRequired, returned, completed, chargeback
        case unrecognised(String)
    }

    package init(
        id: FlexFactorOrderID, state: State, echo: RecoveryReference? = nil, minorUnits: Int64? = nil, currency: Currency? = nil,
        placedAt: Moment? = nil, account: String? = nil
    ) {
        self.id = id
        self.state = state
        self.echo = echo
        self.minorUnits = minorUnits
        self.currency = currency
        self.placedAt = placedAt
        self.account = account
    }
}
