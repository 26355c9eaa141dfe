/// One fault FlexFactor found in a request: its path there (`Transaction.Id`) and its sentence.
public struct FieldError: Sendable, Equatable {
    public let path: String
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}
