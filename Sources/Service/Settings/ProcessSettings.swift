package import Broker
package import Configuration
package import DeclineRecovery
package import FlexFactor
import FoundationEssentials
package import Logging

/// What one process of the fleet is told by its environment and flags; the merchants come from the configuration file.
///
/// The variable of a setting is its key in capitals: `broker.url` is `SALVAGE_BROKER_URL`.
package struct ProcessSettings: Sendable {
    package var configurationFile: String
    /// How often that file is looked at for a change; `nil` for never.
    package var configurationWatch: Duration?
    package var broker: BrokerConfiguration
    package var names: TopologyNames
    package var stages: Set<Stage>
    /// Messages of a stage that may be in work at a time in this process.
    package var prefetch: [Stage: UInt16]
    /// When a message that was in work as workers ended is tried alone, and when it is not tried any more.
    package var suspicion: Suspicion
    /// How long a message is held that cannot be finished, before it goes to the end of its queue.
    var longestHold: Moment.Span
    /// Event loops that work on messages.
    var lanes: Int
    /// Where health and metrics are served; `nil` for nowhere.
    package var listen: (host: String, port: Int)?
    /// Where FlexFactor's webhooks are taken; `nil` for nowhere.
    package var webhooks: (host: String, port: Int)?
    /// Where the console is served.
    package var console: (host: String, port: Int)
    /// Where notices of what is wrong are sent; `nil` for nowhere.
    package var notices: NoticeSettings?
    /// The host that FlexFactor signs, where it is not the one that requests name.
    package var webhookHost: String?
    /// To which queues answers may go.
    package var replies: ReplyPolicy
    /// The private keys for encrypted cards.
    let cardKeys: CardKeyRing
    package var logLevel: Logger.Level
    package var logFormat: LogFormat
    /// Where traces are sent; `nil` for nowhere.
    package var traceCollector: Origin?
    /// Of the traces that begin here, the share that is recorded.
    package var traceShare: Double
    /// How long a process may take to its end after the order to stop.
    var shutdownGrace: Moment.Span
    /// How long it goes on serving meanwhile, saying that it is not ready, until nobody sends it webhooks any more.
    var lameDuck: Moment.Span
    package var timing: RecoveryTiming
    /// A day of `expiryDays`; shorter for demonstrations only.
    package var day: Moment.Span
    /// What was declined longer ago is not taken.
    package var oldestDecline: Moment.Span
    /// The longest that one call to FlexFactor may take.
    package var callLimit: Moment.Span
    /// How often the orders whose money went back are listed; zero for never.
    var moneyBackPeriod: Moment.Span

    package enum LogFormat: String, Sendable, CaseIterable {
        /// Lines for people on a terminal, else JSON.
        case auto
        case json, text
    }

    package init(reading reader: ConfigReader) throws(SettingsError) {
        let settings = SettingsReader(reader)
        configurationFile = settings.text("config", default: "salvage.yaml")
        let watch = settings.count("config.watchSeconds", 0...3_600, default: 10)
        configurationWatch = watch == 0 ? nil : .seconds(watch)
        broker = settings.broker()
        settings.checkFiles(of: broker)
        let prefix = settings.parsed(
            "topology.prefix", default: "recovery",
            "a name of letters, digits, dots, dashes and underscores, not of the broker's own (amq.)"
        ) { text in
            let isBrokers = text == "amq" || text.hasPrefix("amq.")
            return !isBrokers && text.utf8.count <= 64 && text.utf8.allSatisfy(isNameByte) ? text : nil
        }
        names = TopologyNames(prefix: prefix)
        // What holds messages runs anyway.
        let choice = Stage.allCases.filter { $0 != .held }.map(\.rawValue).joined(separator: ", ")
        stages = settings.parsed("stages", default: Set(Stage.allCases), "a list of \(choice)") { text in
            let words = text.split(separator: ",").map(String.init)
            let stages = words.compactMap(Stage.init(rawValue:))
            return stages.count == words.count && !stages.isEmpty ? Set(stages) : nil
        }
        // Whoever may put something away brings it forth again.
        stages.insert(.held)
        prefetch = [
            .intake: UInt16(settings.count("prefetch.intake", 1...65_535, default: 256)),
            .cascade: UInt16(settings.count("prefetch.cascade", 1...65_535, default: 1_000)),
            .retry: UInt16(settings.count("prefetch.retry", 1...65_535, default: 500)),
            .outcomes: UInt16(settings.count("prefetch.outcomes", 1...65_535, default: 256)),
            // Alone is alone.
            .suspects: 1,
            .unrouted: UInt16(settings.count("prefetch.unrouted", 1...65_535, default: 20)),
            .held: UInt16(settings.count("prefetch.held", 1...65_535, default: 20)),
        ]
        suspicion = Suspicion(limit: settings.count("suspect.deliveries", 1...1_000_000, default: 3))
        longestHold = .seconds(Int64(settings.count("hold.seconds", 1...86_400, default: 900)))
        // A core is left for the links to the broker, whose threads the lanes would throw off theirs.
        lanes = settings.count("lanes", 1...256, default: max(ProcessorLimit.cores() - 1, 1))
        let address = settings.parsed("listen", default: Address(host: "0.0.0.0", port: 8_080), "HOST:PORT, or none", Address.init)
        listen = address.port < 0 ? nil : (address.host, address.port)
        let webhooks = settings.parsed(
            "webhooks.listen", default: Address(host: "0.0.0.0", port: 8_081), "HOST:PORT, or none", Address.init)
        self.webhooks = webhooks.port < 0 ? nil : (webhooks.host, webhooks.port)
        let console = settings.parsed("console.listen", default: Address(host: "127.0.0.1", port: 8_082), "HOST:PORT") { text in
            Address(text).flatMap { $0.port < 0 ? nil : $0 }
        }
        self.console = (console.host, console.port)
        notices = settings.notices()
        webhookHost = settings.hostName("webhooks.host", "HOST or HOST:PORT, as FlexFactor signs it")
        replies = ReplyPolicy(
            prefix: settings.parsed(
                "reply.prefix", default: ReplyPolicy.defaultPrefix, "the beginning of queue names, at most 200 bytes, or none"
            ) {
                $0 == "none" ? "" : $0.utf8.count <= 200 ? $0 : nil
            })
        cardKeys = settings.cardKeys()
        logLevel = settings.parsed("log.level", default: .info, "one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")) {
            Logger.Level(rawValue: $0)
        }
        logFormat = settings.parsed("log.format", default: .auto, "auto, json or text") { LogFormat(rawValue: $0) }
        traceCollector = settings.parsed(
            "traces.url", default: nil, "the address of an OTLP/HTTP collector, such as http://collector:4318, or none"
        ) { text in
            text == "none" ? .some(nil) : Origin(text, allowsPlain: true).map(Optional.some)
        }
        traceShare = settings.parsed("traces.share", default: 0.1, "a number from 0 to 1") { text in
            Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
        }
        shutdownGrace = settings.seconds("shutdown.graceSeconds", 0...600, default: 25)
        lameDuck = settings.seconds("shutdown.lameDuckSeconds", 0...600, default: 5, upTo: "shutdown.graceSeconds", shutdownGrace)
        let longestPoll = settings.seconds("poll.longestSeconds", 1...604_800, default: 21_600)
        let longestRepost = settings.seconds("repost.longestSeconds", 1...1_209_600, default: 172_800)
        timing = RecoveryTiming(
            settle: .seconds(Int64(settings.count("reconcile.settleSeconds", 1...3_600, default: 120))),
            reconcileFor: .minutes(Int64(settings.count("reconcile.minutes", 5...20_160, default: 1_440))),
            firstPoll: settings.seconds("poll.firstSeconds", 1...86_400, default: 600, upTo: "poll.longestSeconds", longestPoll),
            longestPoll: longestPoll,
            firstRepost: settings.seconds(
                "repost.firstSeconds", 1...604_800, default: 21_600, upTo: "repost.longestSeconds", longestRepost),
            longestRepost: longestRepost,
            grace: settings.seconds("retry.graceSeconds", 1...604_800, default: 3_600),
            attempts: settings.count("retry.attempts", 1...100_000, default: 200))
        day = .seconds(Int64(settings.count("retry.daySeconds", 1...86_400, default: 86_400)))
        oldestDecline = .days(Int64(settings.count("oldest.declineDays", 1...32, default: 30)))
        callLimit = .seconds(Int64(settings.count("flexfactor.callSeconds", 1...120, default: 20)))
        moneyBackPeriod = .seconds(Int64(settings.count("money.backSeconds", 0...604_800, default: 86_400)))
        if !settings.faults.isEmpty { throw SettingsError(faults: settings.faults) }
    }

    private struct Address {
        let host: String
        /// Negative for nowhere.
        let port: Int

        init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        init?(_ text: String) {
            if text == "none" {
                self.init(host: "", port: -1)
                return
            }
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
                return nil
            }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
        }
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
    default: false
    }
}

/// Every setting that is not of its form.
package struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    package let faults: [String]

    package var advice: String { "docs/configuration.md lists every setting, and `salvage run --help` those of a worker." }
    package var description: String { "the settings are not right:\n" + faults.map { "  \($0)" }.joined(separator: "\n") + "\n\(advice)" }
}
