import DeclineRecovery

/// Whether an answer is the call's that reads it (`AnsweredOrders`).
extension FlexFactorClient {
    /// The answer, unless it is another call's. Neither on its connection nor on one that answers what was not asked is anything read any
    /// more: it could be what this call should have had.
    func believed(
        _ answer: FlexFactorAnswer, to call: FlexFactorCall, _ response: HTTPResponse, _ lane: HTTPLane
    ) -> FlexFactorAnswer {
        if isAnothers(answer, call, response, lane) {
            lane.disown(response)
            return .failed(.unknown(.otherRecovery))
        }
        if case .failed(.unknown(.unreadable)) = answer { lane.disown(response) }
        return answer
    }

    /// Those of a list that may be a reference's: an order that was another's stays that, whatever the list calls it, and one that it shows under
    /// two references at once is neither's.
    func orders(of reference: RecoveryReference, in list: [FlexFactorOrder], _ lane: HTTPLane) -> [FlexFactorOrder] {
        list.filter { order in
            guard order.echo == reference, isOurs(order) else { return false }
            let isNamed = UUID5.guid(order.id.text) != .empty
            if isNamed, list.contains(where: { $0.id.isSame(as: order.id) && $0.echo != nil && $0.echo != reference }) { return false }
            return !lane.answered.isAnothers(order.id, than: reference)
        }
    }

    private func isAnothers(_ answer: FlexFactorAnswer, _ call: FlexFactorCall, _ response: HTTPResponse, _ lane: HTTPLane) -> Bool {
        switch call {
        case .evaluate(let charge, _), .recall(let charge, _):
            guard case .evaluated(_, let order?) = answer else { return false }
            return !lane.answered.take(order, for: charge.reference)
        // Their own answers may name no order; one of `evaluate` does, and an approval read here would be a capture, or even a cancel.
        case .capture(let id, _, _), .refund(let id, _), .cancel(let id):
            return FlexFactorResponse.sessionKey(response).map { !$0.isSame(as: id) } ?? false
        case .cancelByReference(let reference):
            return FlexFactorResponse.sessionKey(response).map { !lane.answered.take($0, for: reference) } ?? false
        // Compared with the id already, and order by order.
        case .lookUp, .find: return false
        }
    }
}
