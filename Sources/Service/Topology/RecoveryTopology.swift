package import Broker
package import DeclineRecovery

extension Topology {
    /// Everything that Salvage needs at the broker (messages.md, "Exchanges and queues").
    ///
    /// Every exchange that could meet a key without a queue has an alternate exchange: nothing that is published can fall through.
    ///
    /// - Parameter crmInbox: whether the CRM's own queue is declared as well.
    package init(recovery names: TopologyNames, crmInbox: Bool = true) {
        let kept: FieldTable = ["x-delivery-limit": .integer(unlimited)]
        // A limit of somebody else's (a policy, a publisher's expiration) must not end a message without a trace: what it drives out goes to
        // the unrouted, and from there back to where it was. A queue that is full refuses instead of forgetting its oldest.
        func held(_ exchange: String, _ routingKey: String? = nil) -> FieldTable {
            var arguments = kept.fields + [FieldTable.Field("x-dead-letter-exchange", .string(exchange))]
            if let routingKey { arguments.append(FieldTable.Field("x-dead-letter-routing-key", .string(routingKey))) }
            return FieldTable(
                arguments + [
                    FieldTable.Field("x-dead-letter-strategy", "at-least-once"), FieldTable.Field("x-overflow", "reject-publish"),
                ])
        }
        let safe: FieldTable = ["alternate-exchange": .string(names.unrouted)]
        var exchanges = [
            Exchange(names.unrouted, .fanout), Exchange(names.declines, .topic, arguments: safe),
            Exchange(names.work, .topic, arguments: safe), Exchange(names.news, .fanout, arguments: safe),
            Exchange(names.results, .topic, arguments: safe), Exchange(names.dead, .fanout), Exchange(names.cancels, .fanout),
            Exchange(names.claims, .fanout), Exchange(names.claimSnapshots, .fanout), Exchange(names.pauses, .fanout),
            Exchange(names.journal, .fanout), Exchange(names.rollups, .fanout), Exchange(names.pulse, .fanout),
        ]
        var queues = [
            // Its own would be a circle, in which the broker drops what comes round.
            Queue(names.unrouted, .quorum, arguments: held(names.work, Stage.suspects.rawValue)),
            Queue(names.dead, .stream, arguments: ["x-max-age": "1Y", "x-stream-max-segment-size-bytes": .integer(50_000_000)]),
            // Longer than the letters: what is replayed after months must still know that the CRM had cancelled it.
            Queue(names.cancels, .stream, arguments: ["x-max-age": "400D", "x-stream-max-segment-size-bytes": .integer(5_000_000)]),
            // Longer than anything that a claim speaks of can live: a retry's three weeks, its reconciling, and the oldest decline that is taken.
            Queue(names.claims, .stream, arguments: ["x-max-age": "60D", "x-stream-max-segment-size-bytes": .integer(50_000_000)]),
            // The newest is worth something, and the one before until that is whole. Ten million claims come to 320 MB.
            Queue(
                names.claimSnapshots, .stream,
                arguments: ["x-max-length-bytes": .integer(2_000_000_000), "x-stream-max-segment-size-bytes": .integer(50_000_000)]),
            // Longer than any pause (`Pause.longest`): none that is in force may be forgotten.
            Queue(names.pauses, .stream, arguments: ["x-max-age": "90D", "x-stream-max-segment-size-bytes": .integer(1_000_000)]),
            Queue(names.journal, .stream, arguments: ["x-max-age": "90D", "x-stream-max-segment-size-bytes": .integer(50_000_000)]),
            // The newest is worth something, and the one before until that is whole. Fifty million recoveries come to a gigabyte.
            Queue(
                names.rollups, .stream,
                arguments: ["x-max-length-bytes": .integer(4_000_000_000), "x-stream-max-segment-size-bytes": .integer(50_000_000)]),
            // Only the last words of each worker matter; a stream lets any number listen, and go on after a lost connection.
            Queue(names.pulse, .stream, arguments: ["x-max-age": "1h", "x-stream-max-segment-size-bytes": .integer(1_000_000)]),
        ]
        var bindings = [
            Binding(names.unrouted, "", to: .queue(names.unrouted)), Binding(names.dead, "", to: .queue(names.dead)),
            Binding(names.cancels, "", to: .queue(names.cancels)), Binding(names.journal, "", to: .queue(names.journal)),
            Binding(names.claims, "", to: .queue(names.claims)),
            Binding(names.claimSnapshots, "", to: .queue(names.claimSnapshots)),
            Binding(names.pauses, "", to: .queue(names.pauses)),
            Binding(names.rollups, "", to: .queue(names.rollups)),
            Binding(names.pulse, "", to: .queue(names.pulse)),
            Binding(names.declines, "#", to: .queue(names.intake)), Binding(names.news, "", to: .queue(names.outcomes)),
        ]
        for stage in Stage.allCases where stage != .unrouted {
            let queue = names.queue(of: stage)
            queues.append(Queue(queue, .quorum, arguments: held(names.unrouted)))
            if stage != .intake { bindings.append(Binding(names.work, "#." + stage.rawValue, to: .queue(queue))) }
        }
        if crmInbox {
            queues.append(Queue(names.crmResults, .quorum, arguments: held(names.unrouted)))
            bindings.append(Binding(names.results, "#", to: .queue(names.crmResults)))
        }
        for rung in DelayLadder.rungs {
            let name = names.delays[rung]
            let below = rung == 0 ? names.work : names.delays[rung - 1]
            exchanges.append(Exchange(name, .topic, arguments: safe))
            queues.append(
                Queue(
                    name, .quorum,
                    arguments: [
                        "x-delivery-limit": .integer(unlimited), "x-message-ttl": .integer(DelayLadder.span(ofRung: rung).milliseconds),
                        "x-dead-letter-exchange": .string(below), "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
                    ]))
            bindings.append(Binding(name, DelayLadder.waitKey(rung: rung), to: .queue(name)))
            bindings.append(Binding(name, DelayLadder.passKey(rung: rung), to: .exchange(below)))
        }
        self.init(exchanges: exchanges, queues: queues, bindings: bindings)
    }

    /// Without what a process goes on without.
    func requiring(_ names: TopologyNames) -> Topology { part { !names.optional.contains($0) } }

    /// What a process goes on without.
    func sparing(_ names: TopologyNames) -> Topology { part { names.optional.contains($0) } }

    private func part(_ isMeant: (_ name: String) -> Bool) -> Topology {
        Topology(
            exchanges: exchanges.filter { isMeant($0.name) }, queues: queues.filter { isMeant($0.name) },
            bindings: bindings.filter { isMeant($0.exchange) })
    }
}

/// Deliveries of one message after which a quorum queue drops it. Never, in effect; `-1` says so only from RabbitMQ 4 on, and drops at
/// once before (facts/amqp.md §2).
private let unlimited: Int64 = 1_000_000
