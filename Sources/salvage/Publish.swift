import ArgumentParser
import Broker
import JSON
import Service

struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish decline events, as a CRM does.",
        discussion: """
            A file holds one JSON event, a list of them, or one per line. The broker's confirms are awaited.
            With --fill, $NOW, $NOW-90s, $NOW-2h, $NOW-3d and $RUN in texts become times and a mark of this run.
            With --wait, what becomes of each event is read from the journal and the dead letters and shown; with --expect, the exit status
            is 1 unless each comes out as the file says: {"approve.json": {"class": "soft", "route": "cascade", "result": "approved", "reason": ..., "action": ...}}.
            """)

    @Argument(help: "Files; - reads standard input.")
    var files: [String]
    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Replace placeholders.")
    var fill = false
    @Flag(help: "Publish the bytes of each file as they are, JSON or not.")
    var raw = false
    @Flag(help: "Wait until each event has its result, and show them.")
    var wait = false
    @Option(help: ArgumentHelp("What should come of each event; implies --wait.", valueName: "file"))
    var expect: String?
    @Option(help: "Seconds to wait.")
    var timeout = 120
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if raw, fill { throw ValidationError("--raw publishes the bytes as they are, and --fill changes them; give one of both.") }
        if !(0...86_400).contains(timeout) {
            throw ValidationError("--timeout: expected a number of seconds of 0...86400, found '\(timeout)'.")
        }
    }

    func run() async throws {
        var reader = DeclineFile()
        reader.isRaw = raw
        reader.wayOut = "; --raw publishes a file as it is"
        if fill { reader.placeholders = (SystemClock().now(), String(UInt32.random(in: 0 ... .max), radix: 16, uppercase: true)) }
        var events: [FileEvent] = []
        for file in files { events += try reader.read(file) }
        if let event = events.first(where: \.hasPlaceholders) {
            Terminal.complain("Warning: $NOW or $RUN stands in \(event.label) and is published as it is; --fill replaces it.")
        }
        let expectations = try expect.map { file throws(DeclineFileError) in try Expectation.read(file) }
        let isWaiting = wait || expect != nil
        let all = events
        let stories = try await broker.withLink { link, settings in
            let watch = DeclineWatch()
            if isWaiting { try await watch.start(on: link, settings.names) }
            var confirmed = 0
            do {
                try await DeclinePublisher(link, settings.names).publish(all) { count in
                    confirmed = count
                    Terminal.progress("\(count) of \(all.count) published")
                }
            } catch {
                Terminal.endProgress()
                // They are not to be published anew, under other ids, with the rest.
                if confirmed > 0 { Terminal.complain("The first \(confirmed) of \(all.count) events are published and confirmed.") }
                throw error
            }
            Terminal.endProgress()
            return isWaiting ? await follow(all, watch, expectations) : []
        }
        if isWaiting {
            try show(events, stories, expectations)
        } else {
            Terminal.show(
                json
                    ? "{\"published\":\(events.count)}"
                    : "\(events.count == 1 ? "One event" : "\(events.count) events") published and confirmed.")
        }
    }

    private func follow(_ events: [FileEvent], _ watch: DeclineWatch, _ expectations: [String: Expectation]?) async -> [DeclineStory] {
        let deadline = ContinuousClock.now + .seconds(timeout)
        let watched = events.map(WatchedEvent.init)
        while true {
            let stories = watched.map(watch.story(of:))
            let open = zip(events, stories).count { event, story in
                !story.isOver || expectations?[event.label]?.awaitsMore(after: story) == true
            }
            if open == 0 || ContinuousClock.now >= deadline {
                Terminal.endProgress()
                return stories
            }
            Terminal.progress("waiting for \(open) of \(events.count)")
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private func show(_ events: [FileEvent], _ stories: [DeclineStory], _ expectations: [String: Expectation]?) throws {
        let differences = zip(events, stories).map { event, story -> [String] in
            guard let expectations else { return story.isOver ? [] : ["no result within \(timeout) s"] }
            guard let expectation = expectations[event.label] else { return ["nothing is said of it in \(expect ?? "")"] }
            return expectation.differences(from: story)
        }
        if json {
            for ((event, story), differences) in zip(zip(events, stories), differences) { Terminal.show(line(event, story, differences)) }
        } else {
            Terminal.table(
                ["order", "trigger", "class", "why", "route", "result", "action"],
                zip(events, stories).map { event, story in
                    [
                        event.orderID ?? event.label, event.trigger ?? "-", story.declineClass ?? "-", story.rule ?? "-",
                        story.route ?? "-",
                        story.result.map { result in story.reason.map { $0 == result ? result : "\(result) (\($0))" } ?? result }
                            ?? story.deadLetter.map { "dead letter (\($0))" } ?? "none yet",
                        story.action ?? "-",
                    ]
                },
                colour: { differences[$0].isEmpty ? nil : .red })
            for (event, differences) in zip(events, differences) where !differences.isEmpty {
                Terminal.complain("\(event.label): \(differences.joined(separator: "; "))")
            }
            if expectations != nil, differences.allSatisfy(\.isEmpty) {
                Terminal.show(Terminal.paint("All \(events.count) are as expected.", .green))
            }
        }
        if !differences.allSatisfy(\.isEmpty) { throw ExitCode.failure }
    }

    private func line(_ event: FileEvent, _ story: DeclineStory, _ differences: [String]) -> String {
        var text = JSONWriter()
        text.object { object in
            object.member("label", event.label)
            object.optional("order", event.orderID)
            object.optional("trigger", event.trigger)
            object.optional("class", story.declineClass)
            object.optional("rule", story.rule)
            object.optional("route", story.route)
            object.optional("result", story.result)
            object.optional("reason", story.reason)
            object.optional("action", story.action)
            object.optional("otherRecovery", story.otherRecovery)
            object.optional("deadLetter", story.deadLetter)
            object.array("differences") { list in
                for difference in differences { list.element(difference) }
            }
        }
        return String(decoding: text.bytes, as: UTF8.self)
    }
}
