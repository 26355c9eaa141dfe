import DeclineRecovery

/// By what a story is found.
///
/// Several declines of one order have each their own: a debt may be sent as two recoveries, and the second is told otherwise than the first.
enum StoryName: Hashable, Sendable {
    case recovery(RecoveryReference)
    /// What a command means that names an order and no recovery.
    case order(String)
    /// An event that names no recovery, by its message's id, as its letter keeps it.
    case message(String)
    /// Such an event without an id, by the order that could be read.
    case unnamed(order: String)

    static func all(of letter: DeadLetter) -> [StoryName] {
        if let reference = letter.subject.reference { return [.recovery(reference), .order(reference.orderID)] }
        if let id = letter.original.messageID { return [.message(id)] }
        return letter.subject.orderID.map { [.unnamed(order: $0)] } ?? []
    }
}

/// A published event of which it is known under which names its story comes.
package struct WatchedEvent: Sendable {
    /// The likeliest first.
    let names: [StoryName]
    let isCommand: Bool

    package init(_ event: FileEvent) {
        let message = event.eventID.map { [StoryName.message($0)] } ?? []
        (names, isCommand) =
            switch CRMMessage.decode(event.body) {
            case .decline(let decline): ([.recovery(RecoveryReference(for: decline))] + message, false)
            case .refund(let command): (message + [.recovery(command.reference)], true)
            case .cancel(let command):
                (message + [command.reference.map(StoryName.recovery) ?? .order(command.orderID)], true)
            case .rejected(let rejected):
                (message.isEmpty ? rejected.orderID.map { [.unnamed(order: $0)] } ?? [] : message, rejected.isCommand)
            case .unreadable: (message, false)
            }
    }
}
