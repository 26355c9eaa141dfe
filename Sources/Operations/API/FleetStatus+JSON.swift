import DeclineRecovery
package import JSON

extension FleetStatus {
    var faultsJSON: JSONValue {
        .array(
            faults.map { fault in
                .object(of: [
                    ("what", .string(fault.what)), ("advice", .string(fault.advice)), ("kind", .string(fault.kind.rawValue)),
                    ("subject", fault.subject.isEmpty ? nil : .string(fault.subject)),
                    ("since", fault.since.map { .integer($0.milliseconds) }),
                ])
            })
    }

    private var workersJSON: JSONValue {
        .array(
            workers.map { worker in
                .object(of: worker.members + [("silent", .bool(worker.isSilent)), ("idle", worker.pulse.idleJSON)])
            })
    }

    var receiversJSON: JSONValue {
        .array(
            receivers.map { receiver in
                .object(of: [
                    ("id", .string(receiver.pulse.workerID)), ("host", .string(receiver.pulse.host)),
                    ("version", .string(receiver.pulse.version)), ("silent", .bool(receiver.isSilent)),
                    ("seenAt", .integer(receiver.pulse.at.milliseconds)), ("notReady", receiver.pulse.complaintsJSON),
                ])
            })
    }

    var circuitsJSON: JSONValue {
        .array(
            circuits.map { circuit in
                .object(of: [
                    ("merchant", .string(circuit.gateway.merchantID.text)), ("gateway", .string(circuit.gateway.gatewayID.text)),
                    ("state", .string(circuit.state.rawValue)), ("notClosed", .integer(Int64(circuit.notClosed))),
                    ("workers", .integer(Int64(circuit.all))), ("since", circuit.since.map { .integer($0.milliseconds) }),
                    ("triedAt", circuit.triedAt.map { .integer($0.milliseconds) }), ("why", .text(circuit.why)),
                    ("failures", .object(of: circuit.failures.map { ($0.name, .integer(Int64($0.count))) })),
                    (
                        "at",
                        .array(
                            circuit.places.map { place in
                                .object(of: [
                                    ("worker", .string(place.workerID)), ("state", .string(place.state.rawValue)),
                                    ("since", place.since.map { .integer($0.milliseconds) }),
                                ])
                            })
                    ),
                ])
            })
    }

    package var json: JSONValue {
        func number(_ count: Int) -> JSONValue { .integer(Int64(count)) }
        return .object(of: [
            ("well", .bool(faults.isEmpty)),
            ("faults", faultsJSON),
            ("workers", workersJSON), ("receivers", receiversJSON), ("circuits", circuitsJSON),
            ("queues", .object(of: queues.map { ($0.name, number($0.ready)) })), ("results", inbox?.json),
            ("unseen", number(unseen)), ("absent", .array(absences.map(\.json))), ("pauses", PauseStore.json(heededPauses)),
            ("pausesKnown", .bool(pausesAreKnown)),
            ("parked", number(parked)), ("overdue", number(overdue)),
            ("oldestOverdue", oldestOverdue.map { .integer($0.milliseconds) }),
            ("unknown", number(unknown)), ("inDoubt", number(inDoubt)), ("oldestUnknown", oldestUnknown.map { .integer($0.milliseconds) }),
            ("lettersToDo", number(lettersToDo)),
        ])
    }
}

extension FleetStatus.Absence {
    var json: JSONValue { .object(of: [("name", .string(name)), ("what", .string(what)), ("advice", .string(advice))]) }
}

extension FleetStatus.Inbox {
    var json: JSONValue {
        .object(of: [
            ("queue", .string(queue)), ("waiting", .integer(Int64(waiting))), ("readers", .integer(Int64(readers))),
            ("warning", .text(warning?.what)), ("advice", .text(warning?.advice)),
        ])
    }
}

extension WorkerPulse {
    /// `nil` where it reads all of its queues.
    var idleJSON: JSONValue? { idle.isEmpty ? nil : .array(idle.map { .string($0.rawValue) }) }
    /// `nil` where it is ready.
    var complaintsJSON: JSONValue? { complaints.isEmpty ? nil : .array(complaints.map { .string($0) }) }
}

extension WorkerPulse.Quiet {
    var json: JSONValue {
        .object(of: [
            ("since", .integer(since.milliseconds)), ("until", .integer(until.milliseconds)), ("by", .string(by)), ("why", .string(why)),
        ])
    }
}

extension FleetStatus.Worker {
    /// What is shown of a worker wherever it is.
    var members: [(String, JSONValue?)] {
        [
            ("id", .string(pulse.workerID)), ("host", .string(pulse.host)), ("version", .string(pulse.version)),
            ("stages", .array(pulse.stages.map { .string($0.rawValue) })), ("seenAt", .integer(pulse.at.milliseconds)),
            ("claims", claims?.json), ("quiet", pulse.quiet?.json), ("notReady", pulse.complaintsJSON),
            ("webhooks", .bool(pulse.takesWebhooks)),
        ]
    }
}

extension FleetStatus.Worker.Claims {
    var json: JSONValue {
        .object(of: [
            ("behind", .integer(messages)), ("lagMilliseconds", .integer(lag.milliseconds)), ("caughtUp", .bool(isCaughtUp)),
        ])
    }
}
