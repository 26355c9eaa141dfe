public import Broker
public import DeclineRecovery
import Synchronization

/// Looks at what passes between stages and to the CRM, without taking anything away, and tells the story of each decline.
public final class DeclineWatch: Sendable {
    private let stories = Mutex<[String: DeclineStory]>([:])
    private let names: TopologyNames
    private let onResult: @Sendable (JSONValue, ResultKind) -> Void

    public init(_ names: TopologyNames, onResult: @escaping @Sendable (JSONValue, ResultKind) -> Void = { _, _ in }) {
        self.names = names
        self.onResult = onResult
    }

    /// Begins to look. What was published before is not seen.
    public func start(on link: BrokerLink) async throws(BrokerError) {
        let tap = try await link.tap([(names.results, "#"), (names.work, "#"), (names.dead, "")])
        _ = try await link.consume(tap, prefetch: 1_000) { [self] batch in
            for delivery in batch {
                saw(delivery)
                // Nothing replaces a copy that was only looked at.
                Task { try? await delivery.finish(publishing: []) }
            }
        }
    }

    public func story(of event: FileEvent) -> DeclineStory {
        stories.withLock { stories in
            [event.orderID, event.eventID].compactMap { $0.flatMap { stories[$0] } }.first ?? DeclineStory()
        }
    }

    private func saw(_ delivery: Delivery) {
        if delivery.exchange == names.results {
            guard let event = try? JSONValue(parsing: delivery.body.span, limits: Self.limits), let kind = Self.kind(of: event) else { return }
            if let key = Self.subject(of: event) { change(key) { $0.saw(result: event, kind) } }
            onResult(event, kind)
        } else if delivery.exchange == names.dead {
            guard let letter = try? JSONValue(parsing: delivery.body.span, limits: Self.limits), let reason = letter["data"]?["reason"]?.string else { return }
            if let key = letter["data"]?["orderId"]?.string ?? letter["data"]?["original"]?["messageId"]?.string { change(key) { $0.deadLetter = reason } }
        } else if case .recovery(let recovery) = WorkEnvelope.decode(delivery.body) {
            change(recovery.order.id) { $0.saw(recovery) }
        }
    }

    private func change(_ key: String, _ body: (inout DeclineStory) -> Void) {
        stories.withLock { body(&$0[key, default: DeclineStory()]) }
    }

    private static let limits = JSONLimits(bytes: 16 << 20, depth: 64)

    static func kind(of event: JSONValue) -> ResultKind? {
        event["type"]?.string.flatMap { type in ResultKind.allCases.first { $0.messageType == type } }
    }

    /// The order a result is about; where it names none, the event.
    private static func subject(of event: JSONValue) -> String? {
        if let order = event["data"]?["order"]?["id"]?.string { return order }
        guard let id = event["id"]?.string, id.hasPrefix("event:"), let slash = id.lastIndex(of: "/") else { return nil }
        return String(id[id.index(id.startIndex, offsetBy: "event:".count)..<slash])
    }
}
