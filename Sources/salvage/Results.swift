import ArgumentParser
import Broker
import DeclineRecovery
import Service

struct Results: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show result events, without taking them from the CRM.",
        discussion: """
            Without --follow: what waits in the CRM's inbox now, oldest first. The messages are looked at and given back in their order; the
            CRM sees them as redelivered.
            With --follow: what is published from now on, by a look at the exchange; the inbox is not touched.
            """)

    @OptionGroup var broker: BrokerOptions
    @Option(help: "The queue to look into.")
    var queue = TopologyNames().crmResults
    @Flag(help: "Show results as they come, until Ctrl-C.")
    var follow = false
    @Flag(help: "Print each event as a line of JSON.")
    var json = false

    func run() async throws {
        if follow {
            try await broker.withLink { link, settings in
                try await DeclineWatch(settings.names, onResult: show).start(on: link)
                if !json { Terminal.complain("Results from now on; Ctrl-C ends.") }
                while true { try await Task.sleep(for: .seconds(3_600)) }
            }
        }
        let bodies = try await broker.withLink { link, _ in try await ResultReader.read(queue, on: link) }
        for body in bodies {
            if let event = try? JSONValue(parsing: body.span, limits: JSONLimits(bytes: 16 << 20, depth: 64)) { show(event) }
        }
        if !json { Terminal.complain("\(bodies.count == 1 ? "One result waits" : "\(bodies.count) results wait") in \(queue).") }
    }

    private func show(_ event: JSONValue, _ kind: ResultKind) { show(event) }

    private func show(_ event: JSONValue) {
        if json { return Terminal.show(String(decoding: event.bytes, as: UTF8.self)) }
        let data = event["data"]
        let kind = event["type"]?.string.flatMap { type in ResultKind.allCases.first { $0.messageType == type } }
        let colour: Terminal.Colour = switch kind {
        case .approved: .green
        case .declined, .expired, .rejected, .chargeback: .red
        default: .yellow
        }
        func text(_ value: JSONValue?) -> String { Terminal.visible(value?.string ?? "-") }
        let word = kind?.rawValue ?? text(event["type"])
        Terminal.show(
            "\(text(event["time"]))  \(Terminal.paint(word, colour))\(String(repeating: " ", count: max(10 - word.count, 1)))\(text(data?["recoveryReference"] ?? event["id"]))"
                + "  \(text(data?["reason"]?["code"]))  \(text(data?["action"]?["name"]))")
    }
}
