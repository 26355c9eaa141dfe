package import JSON

/// What an operator did with letters: appended to their stream, never changed (ARCHITECTURE.md, "Dead letters and the journal are streams").
package struct LetterRecord: Sendable, Equatable {
    package static let type = "com.salvage.dead-letter-record.v1"
    /// Letters that one record names at the most; more take more records.
    package static let mostLetters = 1_000

    package let id: UUID5
    package let at: Moment
    package let by: Operator
    package let note: String?
    /// The job that this is a part of: one act of a person can take many records.
    package let job: UUID5?
    package let act: Act

    /// Who acted, and by what means.
    package struct Operator: Sendable, Hashable {
        package let name: String
        package let means: Means

        package enum Means: String, Sendable, CaseIterable {
            case commandLine = "command_line"
            case console
            /// By itself, in a worker.
            case worker
        }

        package init(name: String, means: Means) {
            self.name = name
            self.means = means
        }
    }

    package enum Act: Sendable, Equatable {
        /// A run of replays begins with these letters. Its intention stands here before the first message goes out, so that another
        /// process can finish it.
        case selected([UUID5], run: UUID5, ReplayPlan)
        /// Their messages are with the broker.
        case replayed([UUID5], run: UUID5)
        case resolved([UUID5], Resolution)
        case discarded([UUID5])
        /// Back to what is to be done.
        case restored([UUID5])
        /// FlexFactor was asked and could not say yet; what it said.
        case lookedUp([UUID5], found: String)
        case runEnded(UUID5, RunEnd, why: String)

        package var letters: [UUID5] {
            switch self {
            case .selected(let ids, _, _), .replayed(let ids, _), .resolved(let ids, _), .discarded(let ids), .restored(let ids),
                .lookedUp(let ids, _):
                ids
            case .runEnded: []
            }
        }

        package var word: String {
            switch self {
            case .selected: "selected"
            case .replayed: "replayed"
            case .resolved: "resolved"
            case .discarded: "discarded"
            case .restored: "restored"
            case .lookedUp: "looked_up"
            case .runEnded: "run_ended"
            }
        }
    }

    /// How a letter came to rest.
    package enum Resolution: Sendable, Hashable {
        /// Its replay was processed; what came of it, e.g. `told approved`.
        case processed(String, run: UUID5)
        /// FlexFactor was asked, and the CRM told: the kind of the result.
        case reconciled(ResultKind)
        /// Somebody saw to it by other means; the note says how.
        case byHand
        /// The CRM mended the event and sent it again, and it came through: its recovery's reference.
        case mended(String)
    }

    package enum RunEnd: String, Sendable, CaseIterable {
        case finished
        /// By itself, because too much failed again, or by a person.
        case stopped
    }

    package init(id: UUID5, at: Moment, by: Operator, note: String? = nil, job: UUID5? = nil, act: Act) {
        self.id = id
        self.at = at
        self.by = by
        self.note = note
        self.job = job
        self.act = act
    }

    /// What a worker notes when the CRM's mended event comes through. A repeat of it is the same record.
    package static func mended(_ letters: [UUID5], by reference: RecoveryReference, worker: String, at now: Moment) -> LetterRecord {
        let namespace = UUID5(high: 0x54c1_7be0_2a9d_4f16, low: 0x8b37_d0f2_61ac_93e5)
        let name = ([reference.text] + letters.map(\.description)).joined(separator: "/")
        return LetterRecord(
            id: UUID5(namespace: namespace, name: name), at: now, by: Operator(name: worker, means: .worker),
            act: .resolved(letters, .mended(reference.text)))
    }

    package var sentence: String {
        switch act {
        case .selected(_, _, let plan):
            // A run of many takes many records; the plan knows of all.
            "selected for replay" + (plan.total > 1 ? ", with \(plan.total - 1) \(plan.total == 2 ? "other" : "others")" : "")
                + (plan.correction?.words ?? "")
        case .replayed: "replayed: its message is with the broker again"
        case .resolved(_, .processed(let what, _)): "resolved: the replay was processed (\(what))"
        case .resolved(_, .reconciled(let kind)): "resolved: FlexFactor was asked, and the CRM told \(kind.rawValue)"
        case .resolved(_, .byHand): "marked as resolved"
        case .resolved(_, .mended(let reference)): "resolved by itself: the CRM sent it again, and it came through as \(reference)"
        case .discarded: "discarded"
        case .restored: "restored: it is to be done again"
        case .lookedUp(_, let found): "reconcile did not settle it: \(found)"
        case .runEnded(_, let end, let why): "run \(end.rawValue): \(why)"
        }
    }
}

/// What is changed in messages before they are sent again.
package enum LetterCorrection: Sendable, Equatable {
    /// By hand; in one letter only.
    case patch(JSONPatch)
    /// Instant declines of long ago become reruns, each for a gateway of its own merchant.
    case rerun

    fileprivate var words: String {
        switch self {
        case .patch: ", corrected"
        case .rerun: ", as a rerun"
        }
    }
}

/// How a run of replays goes about it.
package struct ReplayPlan: Sendable, Equatable {
    package let correction: LetterCorrection?
    /// 1, 2, 5, 20, then the rest; it stops by itself when they fail again.
    package let isCanary: Bool
    /// Messages per second, 1...1000.
    package let rate: Int
    package let consent: ReplayConsent
    /// Letters that the run was to have.
    package let total: Int

    package init(
        correction: LetterCorrection? = nil, isCanary: Bool = false, rate: Int = 50, consent: ReplayConsent = ReplayConsent(), total: Int
    ) {
        self.correction = correction
        self.isCanary = isCanary
        self.rate = rate
        self.consent = consent
        self.total = total
    }

    package static let canarySteps = [1, 2, 5, 20]
}

/// What a person has agreed to beside the replay itself.
package struct ReplayConsent: Sendable, Equatable {
    /// The CRM's people said that the orders were not charged elsewhere.
    package let ofCRM: Bool
    /// Declines are sent about which the CRM would only be told `skipped`.
    package let toSkips: Bool

    package init(ofCRM: Bool = false, toSkips: Bool = false) {
        self.ofCRM = ofCRM
        self.toSkips = toSkips
    }

    /// For a look at what would follow.
    package static let toAll = ReplayConsent(ofCRM: true, toSkips: true)
}

/// The trace by which a replayed message is known again wherever it goes: W3C trace context travels through every hop.
package enum ReplayTrace {
    /// The trace id of a letter's message in a run; the same in every process.
    ///
    /// The digits of one in eight thousand could be a card's. No pod passes such a trace on, and what became of the message would never be
    /// known; so the next one is taken.
    package static func id(run: UUID5, letter: UUID5) -> UUID5 {
        var name = letter.description
        while true {
            let id = UUID5(namespace: run, name: name)
            if CardDataGuard.finding(in: traceparent(of: id)) == nil { return id }
            name += "+"
        }
    }

    package static func traceparent(run: UUID5, letter: UUID5) -> String { traceparent(of: id(run: run, letter: letter)) }

    private static func traceparent(of id: UUID5) -> String {
        let hex = id.description.filter { $0 != "-" }
        return "00-\(hex)-\(hex.suffix(16))-01"
    }

    /// The trace id of a `traceparent`; `nil` when it is not of its form.
    package static func id(ofTraceparent text: String) -> UUID5? {
        var text = text
        return text.withUTF8 { id(ofTraceparent: $0) }
    }

    private static func id(ofTraceparent bytes: UnsafeBufferPointer<UInt8>) -> UUID5? {
        // 00-<32 digits>-<16 digits>-01: what stands where the dashes are decides, and the digits of the id.
        guard let first = bytes.firstIndex(of: 0x2D), first + 33 < bytes.count, bytes[first + 33] == 0x2D,
            bytes[(first + 34)...].count(where: { $0 == 0x2D }) == 1
        else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in bytes[first + 1..<first + 33] {
            guard let digit = byte.hexDigit else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        return UUID5(high: high, low: low)
    }
}
