import ArgumentParser
import DeclineRecovery
import JSON
import Operations
import Service

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How the fleet is: what is wrong, who works, what waits and what is paused.",
        discussion: """
            Exit status 1 when something is wrong; each fault comes with what to do. Reads the dead letters and the journal's last weeks, and listens to
            the workers for some seconds.
            """)

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let status = try await broker.withLink { link, settings in try await link.status(settings.names) }
        if json { Terminal.show(bytes: status.json.bytes) } else { show(status) }
        if !status.faults.isEmpty { throw ExitCode.failure }
    }

    private func show(_ status: FleetStatus) {
        if status.faults.isEmpty {
            Terminal.show(Terminal.paint(status.unseen == 0 ? "All is well." : "All is well, as far as this login may look.", .green))
        }
        for fault in status.faults {
            Terminal.show(Terminal.paint(Terminal.visible(fault.what), .red) + " " + Terminal.paint(fault.advice, .dim))
        }
        for pause in status.heededPauses {
            let text = "Paused: \(pause.target) since \(pause.since.rfc3339) until \(pause.until.rfc3339), by \(pause.by): \(pause.why)"
            Terminal.show(Terminal.paint(Terminal.visible(text), .yellow))
        }
        if let (what, advice) = status.inbox?.warning {
            Terminal.show(Terminal.paint(Terminal.visible(what), .yellow) + " " + Terminal.paint(advice, .dim))
        }
        for absence in status.absences {
            Terminal.show(Terminal.paint(Terminal.visible(absence.what), .yellow) + " " + Terminal.paint(absence.advice, .dim))
        }
        if !status.takesWebhooks, status.workers.contains(where: { !$0.isSilent }) {
            Terminal.show(
                Terminal.paint(
                    "Nobody is heard of who takes webhooks: how orders ended is learned by looking at them, hours later. docs/webhooks.md",
                    .dim))
        }
        if status.unseen > 0 {
            Terminal.show(
                Terminal.paint(
                    "Whether \(status.unseen) exchanges and queues are there is not known: this login may not look at them. `salvage topology check` says it to one that may (`salvage topology print --permissions`).",
                    .dim))
        }
        if !status.pausesAreKnown {
            Terminal.show(
                Terminal.paint(
                    "What is paused is not known: the stream of pauses is not there, or this login may not read it (`salvage topology print --permissions`).",
                    .dim))
        }
        if status.knowsNoPause { Terminal.show(Terminal.paint("No order stands on the stream of pauses. " + PausesCommand.older, .dim)) }
        Terminal.show()
        if !(status.workers + status.receivers).isEmpty {
            Terminal.table(
                ["process", "host", "version", "in work", "claims", "stages"],
                (status.workers + status.receivers).map { worker in
                    let pulse = worker.pulse
                    return [
                        pulse.workerID, pulse.host, pulse.version + Self.standing(of: worker),
                        String(pulse.inFlight.reduce(0) { $0 + $1.count }), Self.claims(worker.claims),
                        (pulse.stages.map(\.rawValue) + (pulse.takesWebhooks ? ["webhooks"] : [])).joined(separator: " "),
                    ]
                }, fits: true)
            Terminal.show()
        }
        if !status.circuits.isEmpty {
            Terminal.table(
                ["circuit", "state", "workers", "since", "tried again", "why"],
                status.circuits.map { circuit in
                    [
                        "\(circuit.gateway.merchantID)/\(circuit.gateway.gatewayID)", circuit.state.rawValue,
                        "\(circuit.notClosed) of \(circuit.all)"
                            + (circuit.isOfSome ? ": " + circuit.places.map(\.workerID).joined(separator: ", ") : ""),
                        circuit.since?.rfc3339 ?? "", circuit.triedAt?.rfc3339 ?? "", circuit.why ?? "",
                    ]
                }, fits: true)
            Terminal.show()
        }
        let full = status.queues.filter { $0.ready > 0 }
        if full.isEmpty {
            Terminal.show("Nothing waits in the queues of work.")
        } else {
            Terminal.table(["queue", "waiting", ""], full.map { [$0.name, String($0.ready), $0.what] }, fits: true)
        }
        if let inbox = status.inbox {
            Terminal.show("\(inbox.waiting) results wait in \(inbox.queue), read by \(inbox.readers)")
        }
        func since(_ moment: Moment?) -> String { moment.map { ", the oldest since \($0.rfc3339)" } ?? "" }
        Terminal.show("\(status.parked) recoveries parked, \(status.overdue) overdue\(since(status.oldestOverdue))")
        Terminal.show("\(status.unknown) unknown outcomes, \(status.inDoubt) for a person\(since(status.oldestUnknown))")
        Terminal.show("\(status.lettersToDo) dead letters to do")
    }

    private static func standing(of worker: FleetStatus.Worker) -> String {
        if worker.isSilent { return " (silent)" }
        return worker.pulse.quiet != nil ? " (paused)" : worker.pulse.complaints.isEmpty ? "" : " (not ready)"
    }

    /// How far a worker's reading of the claims is.
    private static func claims(_ claims: FleetStatus.Worker.Claims?) -> String {
        guard let claims else { return "" }
        if !claims.isCaughtUp { return "reads them yet" }
        let seconds = claims.lag.milliseconds / 1_000
        if seconds == 0, claims.messages == 0 { return "read" }
        return claims.messages == 0 ? "\(seconds) s behind" : "\(claims.messages) behind, \(seconds) s"
    }
}
