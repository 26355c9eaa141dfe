import Broker
import DeclineRecovery
import Logging
import Synchronization

/// What is done where another stream stands in the place of the one whose claims are known: nothing, until somebody has decided.
///
/// Whatever was paid is in the other one. Its claims cannot be put into this one: the book holds fingerprints and places, not what was told.
extension ClaimTail {
    /// Why nothing is claimed here any more; `nil` while it is.
    var loss: String? {
        guard state.withLock({ $0.place.trust == .lost }), let names = session.withLock({ $0?.names }) else { return nil }
        return Self.loss(of: names)
    }

    static func loss(of names: TopologyNames) -> String {
        "\(BrokerError.anotherStream(names.claims)): nothing is charged until somebody has decided, see docs/runbooks/SalvageClaimsBehind.md"
    }

    /// What is known, where claims are gone that are younger than what has to be remembered: a limit that somebody put on the stream drove them out, and
    /// no snapshot holds them. That keeps nobody from working: nobody can say whether anything comes again of what stood there.
    func gap(_ names: TopologyNames) -> String? {
        guard let since = state.withLock({ $0.cutAt }), clock.now() - since < Claim.longestMemory else { return nil }
        return
            "what was claimed before \(since.rfc3339) is gone from \(names.claims): what was paid then may be charged again, see docs/runbooks/SalvageClaimsBehind.md"
    }

    func tellGap(_ names: TopologyNames) -> String? {
        guard let gap = gap(names) else { return nil }
        logger?.error(
            "The beginning of the claims is gone",
            metadata: [
                LogKey.queue: "\(names.claims)", LogKey.error: "\(gap)",
                LogKey.advice: "`salvage topology check --definitions` names the policy that drives messages out of it: take it away.",
            ])
        return gap
    }

    static func claimed(_ entry: StreamEntry) -> Moment? {
        ClaimSnapshotMark.decode(entry.body)?.at ?? ClaimRecord.decode(entry.body)?.claim.at
    }

    func tellLoss(_ names: TopologyNames) {
        logger?.error(
            "The stream of claims is another one than was read before; nothing is charged",
            metadata: [
                LogKey.queue: "\(names.claims)",
                LogKey.advice: "What was paid before does not stand there. Decide as docs/runbooks/SalvageClaimsBehind.md says.",
            ])
    }

    /// Whether the sign that the claims are lost is not confirmed yet: until it is, who begins may not know of it.
    var isSigning: Bool { state.withLock { $0.isSigning } }

    /// Whoever waits is answered that nothing can be claimed.
    func lose() {
        let (waiting, id, offset, isSigning) = state.withLock { state in
            (Array(state.waiting.values), state.newID(), state.place.offset, state.isSigning)
        }
        for waiter in waiting { waiter.answer(nil) }
        guard let (link, names) = session.withLock({ $0 }) else { return }
        tellLoss(names)
        guard isSigning else { return }
        // Who begins now is to know of it, whatever snapshots there are: by one whose mark stands nowhere.
        let sign = ClaimSnapshot(of: ClaimBook().frozen, id: id, offset: offset)
        Task {
            await ClaimSnapshotStream(link: link, names: names).insist(on: sign)
            self.state.withLock { $0.isSigning = false }
        }
    }
}
