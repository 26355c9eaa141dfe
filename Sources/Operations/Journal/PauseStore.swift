package import DeclineRecovery
import JSON
import Synchronization

/// What is paused, as this process sees it.
package final class PauseStore: Sendable {
    private let known = Mutex(Pauses())
    private let followed = Atomic<Bool>(false)

    package init() {}

    /// Whether the stream is followed; else nothing is known of it.
    var isFollowed: Bool { followed.load(ordering: .relaxed) }

    package var pauses: Pauses { known.withLock { $0 } }

    /// Takes in what stands on the stream now.
    package func read(_ stream: any MessageStream) async throws(BrokerFailure) {
        try await stream.readToEnd(from: .first) { [self] in take($0) }
    }

    /// Begins to follow the stream.
    package func follow(_ stream: any MessageStream) async throws(BrokerFailure) {
        _ = try await stream.follow(from: .first) { [self] in take($0) }
        followed.store(true, ordering: .relaxed)
    }

    private func take(_ messages: [StreamMessage]) {
        known.withLock { known in for message in messages { known.take(message.body) } }
    }

    /// As pages show them.
    static func json(_ pauses: [Pause]) -> JSONValue { .array(pauses.map { json($0) }) }

    /// - Parameter isRemembered: of a stream that is no more.
    static func json(_ pause: Pause, isRemembered: Bool = false) -> JSONValue {
        var (merchant, gateway, stage, worker): (MerchantID?, GatewayID?, Stage?, String?)
        switch pause.target {
        case .merchant(let id): merchant = id
        case .gateway(let owner, let id): (merchant, gateway) = (owner, id)
        case .stage(let one): stage = one
        case .worker(let id): worker = id
        }
        return .object(of: [
            ("target", .string("\(pause.target)")), ("kind", .string(pause.target.kind)), ("merchant", .text(merchant?.text)),
            ("gateway", .text(gateway?.text)), ("stage", .text(stage?.rawValue)), ("worker", .text(worker)),
            ("since", .integer(pause.since.milliseconds)), ("until", .integer(pause.until.milliseconds)),
            ("by", .string(pause.by)), ("why", .string(pause.why)), ("remembered", isRemembered ? .bool(true) : nil),
        ])
    }
}
