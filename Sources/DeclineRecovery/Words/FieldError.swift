/// One fault FlexFactor found in a request: its path there (`Transaction.Id`) and its sentence.
package struct FieldError: Sendable, Equatable {
    package let path: String
    package let message: String

    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}
