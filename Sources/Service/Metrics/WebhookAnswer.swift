/// What is answered to a webhook. FlexFactor sends again what was not taken.
enum WebhookAnswer: String, CaseIterable {
    case taken
    /// The same delivery was taken before.
    case repeated
    case unknownGateway = "unknown_gateway"
    case unsigned
    case refused
    case unreadable
    /// Of test mode, at a gateway of production.
    case testMode = "test_mode"
    case brokerAway = "broker_away"

    var status: Int {
        switch self {
        case .taken, .repeated: 200
        case .unknownGateway: 404
        case .unsigned, .refused: 401
        case .unreadable: 400
        case .testMode: 403
        case .brokerAway: 503
        }
    }

    /// What the sender reads: of a repeat what it read of the first.
    var words: String { self == .repeated ? WebhookAnswer.taken.rawValue : rawValue }
}
