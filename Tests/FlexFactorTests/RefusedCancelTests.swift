import DeclineRecovery
import Testing

@testable import FlexFactor

/// What FlexFactor's no to a cancel by our reference proves: an order, none, or nothing.
@Suite struct RefusedCancelTests {
    /// With words in it that speak of a state elsewhere.
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "upstate", source: "crm", id: "d-1"), orderID: "completed-STATUS", kind: .sale, sequence: 0)

    private static let wordsOfState = [
        "The order is not in a state that can be cancelled.", "The order was already completed", "The order cannot be cancelled",
        "Order status does not allow cancellation", "Unable to cancel order in status COMPLETED", "ORDER_NOT_CANCELLABLE",
        "This order can no longer be canceled.", "Only pending orders can be cancelled.", "Order has been captured",
        "The order can't be voided", "Order is not in a cancellable state", "Already cancelled by merchant",
        "The state of order \(reference.text) does not permit it.",
        "Unable to cancel the order in its current state.", "Order is not eligible for cancellation.", "Order has already been processed.",
        "Order can't be cancelled by the merchant anymore.", "Cannot transition order from Completed to Cancelled.",
        "Cannot cancel completed order.", "Order can only be cancelled before capture.", "It is too late to cancel this order.",
        "Order is in a final state.", "Unable to cancel order: order is Completed", "Order already submitted for settlement",
        "The order couldn't be cancelled because it is completed", "Order is being processed", "Order must be in status CAPTUREREQUIRED",
        "Order is completed; please use the refund endpoint.", "Invalid status transition from Completed to Cancelled",
        "No valid leaving transitions are permitted from state 'Completed' for trigger 'Cancel'.", "Unexpected order state: Completed",
        "Order is not pending", "CannotCancelCompletedOrder", "Orders in status 'Completed' cannot be cancelled.",
    ]
    private static let others = [
        "The operation could not be completed.", "Your account status does not allow this operation.", "A cancel is already in progress.",
        "The order could not be cancelled.", "Failed to cancel order, status code 500", "An internal state error occurred.",
        "Orders of this merchant cannot be cancelled.", "No order found in a cancellable state.", "Your token has already expired.",
        "Unable to retrieve order status.", "Could not determine whether the order's state allows it.", "This operation is not allowed.",
        "The request was already completed.", "The service cannot be cancelled; try again later.",
        "The value '\(reference.text)' is not valid.",
        "Order \(reference.text): no.", "orders/\(reference.text.replacing("~", with: "%7E"))/external-cancel",
        reference.text.uppercased(), "Order cannot be cancelled: no order with this id.",
        "The order cannot be cancelled: could not find order.", "Order cannot be cancelled. Order unknown.",
        "The order cannot be cancelled because the id is invalid.", "Orders in test mode cannot be cancelled.",
        "Orders of this site cannot be cancelled: it is closed.", "Merchant is already closed.", "The certificate has already expired.",
        "You are not allowed to change the status of orders.",
        "Order status changes are not allowed for your role.", "The order could not be processed.", "Order processing failed.",
        "Failed to update the order status to cancelled.", "The order status field is invalid", "Invalid order id. Valid states: completed",
    ]

    private func cancelled(_ status: Int, _ body: String) -> FlexFactorAnswer? {
        FlexFactorResponse.cancelled(HTTPResponse(status: status, body: Array(body.utf8)), of: Self.reference)
    }

    @Test(arguments: wordsOfState)
    func wordsOfTheOrdersStateProveIt(words: String) {
        #expect(cancelled(400, #"{"errors":{"OrderId":["\#(words)"]},"traceId":"00-1"}"#) == .cancelRefused)
        #expect(cancelled(200, #"{"success":false,"status":"FAILED","errors":[{"item1":"\#(words)","item2":"1"}]}"#) == .cancelRefused)
    }

    /// Else a charge that FlexFactor never had would be sent as the repeat that asks for its answer, after its time.
    @Test(arguments: others)
    func otherWordsProveNothing(words: String) {
        #expect(cancelled(400, #"{"errors":{"":["\#(words)"]},"traceId":"00-1"}"#) == nil)
        #expect(cancelled(200, #"{"success":false,"status":"FAILED","errors":[{"item1":"\#(words)","item2":"500"}]}"#) == nil)
    }

    /// A title is the same for many faults.
    @Test(arguments: ["Could not find order.", "An internal error occurred.", "Your account status does not allow this."])
    func whatStandsBesideATitleCounts(detail: String) {
        #expect(cancelled(400, #"{"title":"Order cannot be cancelled.","detail":"\#(detail)","traceId":"00-1"}"#) == nil)
    }

    /// Of an order that it named itself it need not say so much.
    @Test func anOrderThatFlexFactorNamedNeedsNoProof() {
        let said = #"{"success":false,"status":"FAILED","errors":[{"item1":"The operation could not be completed."}]}"#
        #expect(FlexFactorResponse.cancelled(HTTPResponse(status: 200, body: Array(said.utf8))) == .cancelRefused)
    }

    /// What is quoted of ours takes nothing from FlexFactor's own word, nor does what it says in names of types and paths.
    @Test func absenceIsHeardBesideAQuotedReference() {
        let path = "/v1/orders/\(Self.reference.text)/external-cancel"
        for (status, body) in [
            (404, #"{"type":"https://example.test/status","title":"Not Found","status":404,"instance":"\#(path)","traceId":"00-state"}"#),
            (404, #"{"title":"Not Found","detail":"\#(path.replacing("~", with: "%7e"))","traceId":"00-1"}"#),
            (400, #"{"OrderId":["Order '\#(Self.reference.text.uppercased())' not found."]}"#),
        ] {
            #expect(cancelled(status, body) == .noSuchOrder, "\(body)")
        }
        for (status, body) in [
            (404, #"{"title":"Not Found","detail":"The account's status does not allow it.","traceId":"00-1"}"#),
            (400, #"{"OrderId":["Order not found in a cancellable state."]}"#), (404, #"{"OrderId":["It cannot be cancelled."]}"#),
        ] {
            #expect(cancelled(status, body) == nil, "\(body)")
        }
    }
}
