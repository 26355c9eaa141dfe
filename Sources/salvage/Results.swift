import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Service

struct Results: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show result events, without taking them from the CRM.",
        discussion: """
            Without --follow: what waits in the CRM's inbox now, oldest first. The messages are looked at and given back in their order; the
            CRM sees them as redelivered.
            With --follow: what the CRM is told from now on, as the journal keeps it; no queue is touched. With --json a line has the kind of
            the result, the reason, the action, the recovery and one that stands in its way, the order, merchant and gateway.
            """)

    @OptionGroup var broker: BrokerOptions
    @Option(help: "The queue to look into. (default: the CRM's inbox of the fleet)")
    var queue: String?
    @Flag(help: "Show results as they come, until Ctrl-C.")
    var follow = false
    @Flag(help: "Print each as a line of JSON: the event, or with --follow what the journal keeps of it.")
    var json = false

    func validate() throws {
        if follow, queue != nil {
            throw ValidationError("--follow shows what the journal tells, and looks into no queue; leave out --queue.")
        }
        if let queue, queue.isEmpty || queue.utf8.count > 255 {
            throw ValidationError("--queue: expected a queue's name of 1 to 255 bytes, found one of \(queue.utf8.count).")
        }
    }

    func run() async throws {
        if follow {
            try await broker.withLink { link, settings in
                try await DeclineNews.follow(on: link, settings.names) { news in news.told.map(show) }
                if !json { Terminal.complain("Results from now on; Ctrl-C ends.") }
                while true { try await Task.sleep(for: .seconds(3_600)) }
            }
        }
        let (queue, bodies) = try await broker.withLink { link, settings in
            let queue = self.queue ?? settings.names.crmResults
            // The broker does not say how much stands in a stream, and gives nothing of it back in its order.
            if Topology(recovery: settings.names).queues.contains(where: { $0.name == queue && $0.kind == .stream }) {
                throw ExitCode.misuse(
                    "\(queue) is a stream, in which no results wait. `salvage results --follow`, `salvage trace` and `salvage dead list` read streams."
                )
            }
            return (queue, try await ResultReader.read(queue, on: link))
        }
        for body in bodies {
            if let event = try? JSONValue(parsing: body.span, limits: JSONLimits(bytes: 16 << 20, depth: 64)) {
                show(event)
            } else {
                Terminal.complain("A message of \(body.count) bytes is no JSON, and no result of ours.")
            }
        }
        if !json { Terminal.complain("\(bodies.count == 1 ? "One result waits" : "\(bodies.count) results wait") in \(queue).") }
    }

    private func show(_ told: ToldResult) {
        if json { return Terminal.show(bytes: told.json.bytes) }
        show(
            told.at.rfc3339, told.kind.rawValue, told.kind, told.reference?.text ?? told.orderID ?? "-", told.reason,
            told.action?.rawValue ?? "")
    }

    private func show(_ event: JSONValue) {
        if json { return Terminal.show(bytes: event.bytes) }
        let data = event["data"]
        let kind = event["type"]?.string.flatMap { type in ResultKind.allCases.first { $0.messageType == type } }
        func text(_ value: JSONValue?) -> String { value?.string ?? "-" }
        show(
            text(event["time"]), kind?.rawValue ?? text(event["type"]), kind, text(data?["recoveryReference"] ?? event["id"]),
            text(data?["reason"]?["code"]), text(data?["action"]?["name"]))
    }

    private func show(_ time: String, _ word: String, _ kind: ResultKind?, _ about: String, _ reason: String, _ action: String) {
        let colour: Terminal.Colour =
            switch kind {
            case .approved: .green
            case .declined, .expired, .rejected, .chargeback: .red
            default: .yellow
            }
        let gap = String(repeating: " ", count: max(10 - word.count, 1))
        Terminal.show(
            "\(Terminal.visible(time))  \(Terminal.paint(Terminal.visible(word), colour))\(gap)" + Terminal.visible("\(about)  \(reason)")
                + (action.isEmpty ? "" : "  " + Terminal.visible(action)))
    }
}
