package import Broker
package import DeclineRecovery
package import JSON
import Synchronization

/// Looks on while declines are worked on, and tells the story of each.
///
/// It reads the journal and the dead letters, which takes nothing. A queue bound to the exchange of the results would be a taker: what
/// nobody else has a queue for would end there, and not as a letter that says so.
package final class DeclineWatch: Sendable {
    private let stories = Mutex<[String: DeclineStory]>([:])
    private let onResult: @Sendable (ToldResult) -> Void

    package init(onResult: @escaping @Sendable (ToldResult) -> Void = { _ in }) {
        self.onResult = onResult
    }

    /// Begins to look. What was done before is not seen.
    package func start(on link: BrokerLink, _ names: TopologyNames) async throws(BrokerError) {
        _ = try await link.read(names.journal, from: .next) { [self] entries in
            for record in entries.compactMap({ JournalRecord.decode($0.body) }) { saw(record) }
        }
        _ = try await link.read(names.dead, from: .next) { [self] entries in
            for entry in entries where entry.properties.type == DeadLetter.type {
                if case .success(let letter) = DeadLetter.decode(entry.body) { saw(letter) }
            }
        }
    }

    package func story(of event: FileEvent) -> DeclineStory {
        var story = stories.withLock { stories in
            [event.orderID, event.eventID].compactMap { $0.flatMap { stories[$0] } }.first ?? DeclineStory()
        }
        // The journal does not repeat what follows from the kind and the order; a command names no order.
        if let kind = story.kind, event.order != nil || kind == .rejected {
            story.action = CRMAction(after: kind, of: event.order).name.rawValue
        }
        return story
    }

    private func saw(_ record: JournalRecord) {
        let told = ToldResult(record)
        change(record.reference.orderID) { story in
            story.saw(record)
            if let told { story.saw(told) }
        }
        if let told { onResult(told) }
    }

    private func saw(_ letter: DeadLetter) {
        // Where a recovery is known, the journal says what was told.
        let told = letter.subject.reference == nil ? ToldResult(letter) : nil
        if let key = letter.subject.orderID ?? letter.original.messageID {
            change(key) { story in
                story.deadLetter = letter.reason.rawValue
                if let told { story.saw(told) }
            }
        }
        if let told { onResult(told) }
    }

    private func change(_ key: String, _ body: (inout DeclineStory) -> Void) {
        stories.withLock { body(&$0[key, default: DeclineStory()]) }
    }
}

/// What the CRM was told, as the journal keeps it; of an event that names no recovery, as its letter does.
package struct ToldResult: Sendable, Equatable {
    package let at: Moment
    package let kind: ResultKind
    package let reason: String
    package let reference: RecoveryReference?
    package let orderID: String?
    package let merchantID: MerchantID?
    package let gatewayID: GatewayID?

    init?(_ record: JournalRecord) {
        switch record.fate {
        case .told:
            guard let kind = ResultKind(rawValue: record.detail) else { return nil }
            (self.kind, reason) = (kind, record.reason ?? record.detail)
        case .rejected: (kind, reason) = (.rejected, record.detail)
        case .deadLettered:
            guard DeadLetterReason(rawValue: record.detail)?.crmWasTold == .skipped else { return nil }
            (kind, reason) = (.skipped, SkipReason.flexFactorUnavailable.rawValue)
        case .passed, .parked, .ignored, .foreign: return nil
        }
        at = record.at
        reference = record.reference
        orderID = record.reference.orderID
        merchantID = record.merchantID
        gatewayID = record.gatewayID
    }

    init?(_ letter: DeadLetter) {
        guard let kind = letter.crmWasTold else { return nil }
        self.kind = kind
        at = letter.writtenAt
        reason = letter.reason.rawValue
        reference = letter.subject.reference
        orderID = letter.subject.orderID
        merchantID = letter.subject.merchantID
        gatewayID = letter.subject.gatewayID
    }

    package var json: JSONValue {
        let members: [(String, JSONValue?)] = [
            ("at", .integer(at.milliseconds)), ("result", .string(kind.rawValue)), ("reason", .string(reason)),
            ("recoveryReference", reference.map { .string($0.text) }), ("orderId", orderID.map(JSONValue.string)),
            ("merchantId", merchantID.map { .string($0.text) }), ("gatewayId", gatewayID.map { .string($0.text) }),
        ]
        return .object(of: members)
    }
}

extension FileEvent {
    /// The order of a decline that can be read.
    fileprivate var order: RecoveredOrder? {
        if case .decline(let decline) = CRMMessage.decode(body) { RecoveredOrder(decline) } else { nil }
    }
}
