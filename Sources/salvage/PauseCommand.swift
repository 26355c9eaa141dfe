import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Operations
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
    @Option(
        help: ArgumentHelp(
            "One worker takes nothing new for any stage, and finishes what it has: its id as `salvage status` shows it, or its host's name.",
            valueName: "id"))
    var worker: String?

    func validate() throws { _ = try words() }

    /// What is meant.
    func words() throws -> PauseWords {
        do throws(PauseRefusal) {
            return try PauseWords(merchant: merchant, gateway: gateway, stage: stage, worker: worker)
        } catch .nothingNamed {
            let isTooMuch = [merchant, gateway, stage?.rawValue, worker].contains { $0 != nil }
            throw ValidationError(
                (isTooMuch ? "Too much is named for one pause; give one of" : "Say what is meant:")
                    + " --merchant ID, --gateway ID (with its --merchant or without), --stage NAME, or --worker ID.")
        } catch {
            throw ValidationError(error.what)
        }
    }
}

extension PauseRefusal {
    /// As a command ends by it.
    var exit: ExitCode {
        switch self {
        case .notPaused:
            Terminal.complain(
                "`salvage pauses` shows what is paused. What workers heed of a stream of pauses that is no more ends with a new pause of the same, e.g. `--for 1s`."
            )
            return .failure
        case .severalPaused:
            return .misuse(Terminal.visible(what) + (meansWorkers ? " Give the id of one: --worker ID." : " Give --merchant ID as well."))
        case .whoseGateway: return .misuse("Whose gateway? Give --merchant ID as well, or --config FILE.")
        case .noSuchWorker:
            Terminal.complain(Terminal.visible(what) + " `salvage status` shows who works.")
            return .failure
        case .severalWorkers: return .misuse(Terminal.visible(what) + " Give the id of one.")
        case .several: return .misuse(Terminal.visible(what) + " Give --merchant ID as well.")
        case .broker(let failure): return .broker(failure)
        case .empty, .nothingNamed, .unknown, .noWorkerID, .over, .tooLong, .noReason, .cardData, .pausedAlready:
            return .misuse(Terminal.visible(what))
        }
    }
}

extension Stage: ExpressibleByArgument {}

extension Pause.Target {
    /// What only a configuration can say that it is there.
    fileprivate var configuredName: String? {
        switch self {
        case .merchant, .gateway: "\(self)"
        case .stage, .worker: nil
        }
    }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Have a merchant, a gateway, a stage or a worker begin nothing new until a time.",
        discussion: """
            Every worker follows within two seconds, and after a restart as well. It ends by itself at the time given, after 7 days at the latest.
            What was begun is brought to its end, and what became of it is told: a charge whose outcome is not known is asked after, always.
            With --config, or SALVAGE_CONFIG, a merchant or gateway that the configuration does not have is refused; and a worker that is not heard of.
            A worker that is paused can be ended once `salvage status` says that it has nothing in work. Its webhooks it goes on taking.
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
            guard let length = Moment.Span(text, units: "smhd", counting: 1...1_000_000) else {
                throw ValidationError("--for: expected 90s, 30m, 12h or 7d, found '\(text)'.")
            }
            end = now + length
        case (nil, nil): throw ValidationError("Say when it ends by itself: --until TIME or --for DURATION.")
        case (_?, _?): throw ValidationError("It ends once: give either --until or --for.")
        }
        do throws(PauseRefusal) { try PauseDesk.check(end: end, now: now) } catch { throw ValidationError(error.what) }
        return end
    }

    func run() async throws {
        let merchants = try config.configuration().map { Array($0.merchants.values) }
        let words = try what.words()
        let pause = try await broker.withLink { link, settings in
            let workers = words.worker == nil ? [] : try await link.workers(settings.names) { Self.isMissed(words, $0) }
            let target: Pause.Target
            do throws(PauseRefusal) {
                target = try words.target(among: merchants, workers: workers.map(\.workerID))
            } catch {
                throw error.exit
            }
            let end = try end(now: SystemClock().now())
            let alone = WorkerPulse.stages(servedBy: target, aloneAmong: workers)
            if !alone.isEmpty { Terminal.complain("Nobody else serves \(alone.map(\.rawValue).joined(separator: ", ")) now.") }
            do throws(PauseRefusal) {
                // The last order counts: who gives it at a terminal has no list before him that may have changed.
                return try await link.pauses(settings.names).pause(target, until: end, by: who.by.name, why: why, replaces: true)
            } catch {
                throw error.exit
            }
        }
        if merchants == nil, let name = pause.target.configuredName {
            Terminal.complain(
                "No configuration is named here (--config, SALVAGE_CONFIG): nobody checked that there is a \(Terminal.visible(name)).")
        }
        Terminal.show("Paused: \(Terminal.visible("\(pause.target)")), until \(pause.until.rfc3339).")
    }

    /// Whether nobody is heard who is meant.
    private static func isMissed(_ words: PauseWords, _ workers: [WorkerPulse]) -> Bool {
        (try? words.target(among: nil, workers: workers.map(\.workerID))) == nil
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
        let words = try what.words()
        let lifted = try await broker.withLink { link, settings in
            do throws(PauseRefusal) {
                return try await link.pauses(settings.names).lift(words, by: who.by.name, why: why ?? "", whereUnknown: true)
            } catch .notPaused {
                Terminal.complain("Not paused: \(Terminal.visible("\(words)")).")
                throw PauseRefusal.notPaused.exit
            } catch {
                throw error.exit
            }
        }
        switch lifted {
        case .pause(let pause): Terminal.show("Goes on: \(Terminal.visible("\(pause.target)")).")
        case .forgotten(let pause):
            Terminal.show(
                "Nothing stands on the stream of pauses. Should \(Terminal.visible("\(pause.target)")) be paused on a stream that is no more, it goes on, and nothing else does."
            )
        }
    }
}

struct PausesCommand: AsyncParsableCommand {
    /// What is said where the stream holds nothing: it may be of any age.
    static let older =
        "Workers begun before it was made may heed an older one: `salvage_paused` tells, and `salvage resume` of the name ends it."

    static let configuration = CommandConfiguration(commandName: "pauses", abstract: "Show what is paused, until when, by whom and why.")

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let known = try await broker.withLink { link, settings in
            try await link.pauses(settings.names).known()
        }
        let pauses = known.inForce(at: SystemClock().now())
        if json {
            var text = JSONWriter()
            text.object { object in
                object.array("pauses") { list in
                    for pause in pauses { list.object { pause.write(into: &$0) } }
                }
            }
            return Terminal.show(bytes: text.bytes)
        }
        if known.isOfNothing { return Terminal.show("Nothing stands on the stream of pauses. " + Self.older) }
        if pauses.isEmpty { return Terminal.show("Nothing is paused.") }
        Terminal.table(
            ["paused", "since", "until", "by", "why"],
            pauses.map { ["\($0.target)", $0.since.rfc3339, $0.until.rfc3339, $0.by, $0.why] }, fits: true)
    }
}
