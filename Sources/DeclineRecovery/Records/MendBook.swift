import JSON

/// Letters of events that the CRM was told to mend, known by what the mended event will have in common with them: its id, or order and
/// trigger. A worker that takes such an event in resolves its letters with it, so that nobody is called for what is done.
///
/// Bounded: the letters that came first are forgotten first, and are seen to by people as ever.
package struct MendBook: Sendable {
    private struct Entry {
        let writtenAt: Moment
        let keys: [UInt64]
    }

    /// An event that came through, for letters that are heard of only afterwards.
    private struct Passage {
        let reference: RecoveryReference
        let at: Moment
        let trace: UUID5?
        let keys: [UInt64]
    }

    private let limit: Int
    private var letters: [UInt64: Set<UUID5>] = [:]
    private var entries: [UUID5: Entry] = [:]
    private var order: [UUID5] = []
    private var forgotten = 0
    /// The letters that a replay's trace belongs to: that one tells itself what comes of it.
    private var replays: [UUID5: UUID5] = [:]
    private var passages: [Passage] = []
    private var nextPassage = 0
    /// Whether all is known that stood in the stream at the beginning. Until then a letter may be resolved further on.
    private var isCaughtUp: Bool

    static let mostPassages = 8_192
    /// For how long what came through is kept for letters that come late: a pod reads the stream within seconds, after a start too.
    private static let late: Moment.Span = .minutes(10)

    /// - Parameter isCaughtUp: `false` where a stream is about to be read that holds letters already; `caughtUp` says when it is.
    package init(limit: Int = 200_000, isCaughtUp: Bool = true) {
        self.limit = limit
        self.isCaughtUp = isCaughtUp
    }

    package var count: Int { entries.count }

    // MARK: The stream

    /// A letter was written.
    ///
    /// - Returns: what it was mended by, where that came through before the letter was heard of.
    package mutating func take(_ letter: DeadLetter) -> RecoveryReference? {
        guard letter.reason.crmWasTold == .rejected else { return nil }
        let keys = MendKey.all(of: letter)
        if keys.isEmpty { return nil }
        if isCaughtUp,
            let passage = passages.last(where: {
                $0.at > letter.writtenAt && $0.at < letter.writtenAt + Self.late && !Set($0.keys).isDisjoint(with: keys)
            })
        {
            return passage.reference
        }
        if entries[letter.id] == nil { order.append(letter.id) } else { forget(letter.id) }
        entries[letter.id] = Entry(writtenAt: letter.writtenAt, keys: keys)
        for key in keys { letters[key, default: []].insert(letter.id) }
        while entries.count > limit, forgotten < order.count {
            forget(order[forgotten])
            forgotten += 1
        }
        if forgotten > 1_024, forgotten > order.count / 2 {
            order.removeFirst(forgotten)
            forgotten = 0
        }
        return nil
    }

    package mutating func take(_ record: LetterRecord) {
        switch record.act {
        case .selected(let letters, let run, _):
            for letter in letters where entries[letter] != nil { replays[ReplayTrace.id(run: run, letter: letter)] = letter }
        case .resolved(let letters, _), .discarded(let letters): for letter in letters { forget(letter) }
        case .replayed, .restored, .lookedUp, .runEnded: break
        }
        if replays.count > limit { replays.removeAll() }
    }

    /// All is known now that stood in the stream at the beginning.
    ///
    /// - Returns: the letters that are resolved by what came through meanwhile; they are forgotten.
    package mutating func caughtUp() -> [(letter: UUID5, by: RecoveryReference)] {
        isCaughtUp = true
        var resolved: [(letter: UUID5, by: RecoveryReference)] = []
        for passage in passages {
            for letter in matching(passage.keys, trace: passage.trace) where entries[letter].map({ $0.writtenAt < passage.at }) ?? false {
                forget(letter)
                resolved.append((letter, passage.reference))
            }
        }
        return resolved
    }

    private mutating func forget(_ id: UUID5) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        for key in entry.keys {
            letters[key]?.remove(id)
            if letters[key]?.isEmpty == true { letters[key] = nil }
        }
    }

    // MARK: What comes in

    /// An event was taken in, and its decline is worked on or skipped.
    ///
    /// - Returns: the letters that this resolves; they are forgotten. None before all that stood there is known: `caughtUp` names them then.
    package mutating func passed(_ event: DeclineEvent, as reference: RecoveryReference, trace: UUID5?, at now: Moment) -> [UUID5] {
        let keys = MendKey.all(of: event)
        note(Passage(reference: reference, at: now, trace: trace, keys: keys))
        if !isCaughtUp { return [] }
        let found = matching(keys, trace: trace)
        for letter in found { forget(letter) }
        return found
    }

    private func matching(_ keys: [UInt64], trace: UUID5?) -> [UUID5] {
        if letters.isEmpty { return [] }
        var found: [UUID5] = []
        for key in keys { for letter in letters[key] ?? [] where !found.contains(letter) { found.append(letter) } }
        let replayed = trace.flatMap { replays[$0] }
        found.removeAll { $0 == replayed }
        return found.sorted { ($0.high, $0.low) < ($1.high, $1.low) }
    }

    private mutating func note(_ passage: Passage) {
        if passages.count < Self.mostPassages { passages.append(passage) } else { passages[nextPassage] = passage }
        nextPassage = (nextPassage + 1) % Self.mostPassages
    }
}

/// What a faulty event and its mended one have in common, as numbers: there may be many.
///
/// An order counts by merchant, trigger and, of a rebill, its charge, as far as the faulty event told them; where it did not, the mended
/// event's is not asked for.
private enum MendKey {
    static func all(of event: DeclineEvent) -> [UInt64] {
        let merchant = event.merchantID.text
        let trigger = event.trigger.word
        var keys: [UInt64] = []
        keys.reserveCapacity(6)
        keys.append(number("event", event.source, event.id))
        keys.append(number("event of", merchant, event.id))
        let charge = charge(of: event.order.purchaseID, event.order.billingCycle)
        for merchant in [merchant, ""] {
            keys.append(number("order", merchant, event.order.id, trigger, ""))
            if let charge { keys.append(number("order", merchant, event.order.id, trigger, charge)) }
        }
        return keys
    }

    static func all(of letter: DeadLetter) -> [UInt64] {
        if letter.original.isTruncated { return [] }
        guard let json = letter.original.json else {
            // What broke a rule of JSON was read for its names alone, and so it is here.
            let tolerant = JSONLimits(bytes: .max, depth: 512, isTolerant: true)
            guard letter.stage == .intake, let json = try? JSONValue(parsing: letter.original.redactedBody.span, limits: tolerant) else {
                return []
            }
            return keys(ofEvent: json, letter.subject.merchantID)
        }
        if letter.stage == .intake { return keys(ofEvent: json, letter.subject.merchantID) }
        guard case .recovery(let recovery) = WorkEnvelope.decode(letter.original.redactedBody) else { return [] }
        let merchant = recovery.merchantID.text
        let trigger = recovery.origin.trigger ?? TriggerWord(recovery.reference.kind)
        var keys = [
            number(
                "order", merchant, recovery.order.id, trigger.rawValue,
                charge(of: recovery.order.purchaseID, recovery.order.billingCycle) ?? "")
        ]
        if let id = recovery.origin.eventID { keys.append(number("event of", merchant, id)) }
        return keys
    }

    private static func keys(ofEvent json: JSONValue, _ merchantID: MerchantID?) -> [UInt64] {
        guard json["type"]?.string != CancelCommand.type else { return [] }
        let merchant = merchantID?.text
        var keys: [UInt64] = []
        if let id = json["id"]?.string, !id.isEmpty {
            if let source = json["source"]?.string { keys.append(number("event", source, id)) }
            if let merchant { keys.append(number("event of", merchant, id)) }
        }
        let data = json["data"]
        let order = data?["order"]
        if let id = order?["id"]?.string, !id.isEmpty, let trigger = data?["trigger"]?.string, TriggerWord(rawValue: trigger) != nil {
            let charge = charge(of: order?["purchaseId"]?.string, order?["billingCycle"]?.int64.map { Int(clamping: $0) })
            keys.append(number("order", merchant ?? "", id, trigger, charge ?? ""))
        }
        return keys
    }

    private static func charge(of purchase: String?, _ cycle: Int?) -> String? {
        guard let purchase, let cycle else { return nil }
        return "\(purchase)/\(cycle)"
    }

    /// FNV-1a, its bits mixed once more, for its low ones are weak.
    private static func number(_ parts: String...) -> UInt64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for part in parts {
            for byte in part.utf8 { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            // No text holds this byte, so parts cannot run into one another.
            state = (state ^ 0xFF) &* 0x0000_0100_0000_01b3
        }
        return state ^ state >> 33
    }
}
