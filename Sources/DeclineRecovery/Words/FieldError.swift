/// One fault of a message or a request: its path there (`$.data.order.id`, or `Transaction.Id` as FlexFactor names it) and its sentence.
package struct FieldError: Sendable, Equatable {
    package let path: String
    package let message: String

    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}
