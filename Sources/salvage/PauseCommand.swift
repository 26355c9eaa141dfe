import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Service

/// What is meant by a pause.
struct PauseTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A merchant: its cascades are told `paused` at once, its retries wait.", valueName: "id"))
    var merchant: String?
    @Option(
        help: ArgumentHelp(
            "One FlexFactor gateway: the same for what goes through it. With --merchant, or the configuration says whose it is.",
            valueName: "id"))
    var gateway: String?
    @Option(
        help: ArgumentHelp(
            "A stage: workers take nothing more out of its queue. \(Stage.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var stage: Stage?

    func validate() throws {
        for (name, value) in [("merchant", merchant), ("gateway", gateway)] {
            // A variable of a script that is not set must not mean something else.
            if let value, value.allSatisfy(\.isWhitespace) { throw ValidationError("--\(name) is empty. Say what is meant.") }
        }
        if (merchant != nil || gateway != nil) == (stage != nil) {
            throw ValidationError("Say what is meant: --merchant ID, --gateway ID, or --stage NAME.")
        }
    }

    /// What is meant, by the configuration's names where there is one: another name would pause nothing.
    func target(_ configuration: SalvageConfiguration?) throws -> Pause.Target {
        if let stage { return .stage(stage) }
        let gateway = gateway.map(GatewayID.init(_:))
        guard let configuration else {
            guard let merchant else { throw ExitCode.misuse("Whose gateway? Give --merchant ID as well, or --config FILE.") }
            return gateway.map { .gateway(MerchantID(merchant), $0) } ?? .merchant(MerchantID(merchant))
        }
        let merchants = configuration.merchants.values.filter { one in
            (merchant == nil || one.id.text == merchant) && (gateway.map { one.flexFactorGateways[$0] != nil } ?? true)
        }
        guard let found = merchants.first, merchants.count == 1 else {
            let whose = Terminal.visible(
                [merchant.map { "merchant \($0)" }, gateway.map { "FlexFactor gateway \($0)" }].compactMap { $0 }.joined(
                    separator: " with "))
            throw ExitCode.misuse(
                merchants.isEmpty
                    ? "The configuration has no \(whose)."
                    : "Several merchants have a \(whose): \(merchants.map(\.id.text).sorted().joined(separator: ", ")). Give --merchant ID as well."
            )
        }
        return gateway.map { .gateway(found.id, $0) } ?? .merchant(found.id)
    }

    /// What is meant of what is paused, whatever the configuration says today.
    func targets(among pauses: [Pause]) -> [Pause.Target] {
        pauses.map(\.target).filter { target in
            switch target {
            case .stage(let one): one == stage
            case .merchant(let one): gateway == nil && one.text == merchant
            case .gateway(let owner, let one): one.text == gateway && (merchant == nil || owner.text == merchant)
            }
        }
    }
}

extension Stage: ExpressibleByArgument {}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Have a merchant, a gateway or a stage begin nothing new until a time.",
        discussion: """
            Every worker follows within two seconds, and after a restart as well. It ends by itself at the time given, after 7 days at the latest.
            What was begun is brought to its end, and what became of it is told: a charge whose outcome is not known is asked after, always.
            With --config, or SALVAGE_CONFIG, a merchant or gateway that the configuration does not have is refused.
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @OptionGroup var what: PauseTargetOptions
    @OptionGroup var who: OperatorOptions
    @Option(help: ArgumentHelp("Until then: a time like 2026-01-02T03:04:05Z (UTC).", valueName: "time"))
    var until: String?
    @Option(name: .customLong("for"), help: ArgumentHelp("For so long: 90s, 30m, 12h, 7d.", valueName: "duration"))
    var span: String?
    @Option(help: "Why, for whoever looks.", transform: DeadActing.note)
    var why: String

    func validate() throws { _ = try end(now: SystemClock().now()) }

    private func end(now: Moment) throws -> Moment {
        let end: Moment
        switch (until, span) {
        case (let text?, nil):
            guard let moment = Moment(rfc3339: text) else {
                throw ValidationError("--until: expected a time like 2026-01-02T03:04:05Z, found '\(text)'.")
            }
            end = moment
        case (nil, let text?):
            guard let unit = text.last, let count = Int64(text.dropLast()), (1...1_000_000).contains(count),
                let seconds = ["s": 1, "m": 60, "h": 3_600, "d": 86_400][unit] as Int64?
            else {
                throw ValidationError("--for: expected 90s, 30m, 12h or 7d, found '\(text)'.")
            }
            end = now + .seconds(count * seconds)
        default: throw ValidationError("Say when it ends by itself: --until TIME or --for DURATION.")
        }
        if end <= now { throw ValidationError("--until \(end.rfc3339) is over: it is \(now.rfc3339).") }
        if end > now + Pause.longest {
            throw ValidationError("A pause lasts 7 days at the most: until \((now + Pause.longest).rfc3339) now.")
        }
        return end
    }

    func run() async throws {
        let target = try what.target(try config.configuration())
        let now = SystemClock().now()
        let pause = Pause(target, since: now, until: try end(now: now), by: who.by.name, why: why)
        try await broker.withLink { link, settings in try await link.order(pause, settings.names) }
        Terminal.show("Paused: \(Terminal.visible("\(target)")), until \(pause.until.rfc3339).")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End a pause before its time.",
        discussion: "What waits goes on within a quarter of the time that the pause lasted, half an hour at the most: not all at once.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var what: PauseTargetOptions
    @OptionGroup var who: OperatorOptions
    @Option(help: "Why, for whoever looks.", transform: DeadActing.note)
    var why: String?

    func run() async throws {
        let now = SystemClock().now()
        let found = try await broker.withLink { link, settings in
            let found = what.targets(among: try await link.pauses(settings.names).inForce(at: now))
            if let target = found.first, found.count == 1 {
                try await link.order(.lifting(target, at: now, by: who.by.name, why: why ?? ""), settings.names)
            }
            return found
        }
        guard let target = found.first else {
            Terminal.complain("That is not paused. `salvage pauses` shows what is.")
            throw ExitCode.failure
        }
        if found.count > 1 { throw ExitCode.misuse("Several are meant; give --merchant ID as well. `salvage pauses` shows them.") }
        Terminal.show("Goes on: \(Terminal.visible("\(target)")).")
    }
}

struct PausesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pauses", abstract: "Show what is paused, until when, by whom and why.")

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let pauses = try await broker.withLink { link, settings in
            try await link.pauses(settings.names).inForce(at: SystemClock().now())
        }
        if json {
            var text = JSONWriter()
            text.object { object in
                object.array("pauses") { list in
                    for pause in pauses { list.object { pause.write(into: &$0) } }
                }
            }
            return Terminal.show(String(decoding: text.bytes, as: UTF8.self))
        }
        if pauses.isEmpty { return Terminal.show("Nothing is paused.") }
        Terminal.table(
            ["paused", "since", "until", "by", "why"],
            pauses.map { ["\($0.target)", $0.since.rfc3339, $0.until.rfc3339, $0.by, $0.why] }, fits: true)
    }
}
