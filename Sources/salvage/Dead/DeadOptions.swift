import ArgumentParser
import Broker
import DeclineRecovery
import FoundationEssentials
import Operations
import Service

/// Which letters are meant, by what they are.
struct LetterFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why they died: \(DeadLetterReason.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "reason"))
    var reason: String?
    @Option(help: ArgumentHelp("Where they died: \(Stage.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "stage"))
    var stage: String?
    @Option(help: ArgumentHelp("Of one merchant.", valueName: "id"))
    var merchant: String?
    @Option(help: ArgumentHelp("Of one order, or one recovery reference.", valueName: "id"))
    var order: String?
    @Option(help: ArgumentHelp("Of one FlexFactor gateway.", valueName: "id"))
    var gateway: String?
    @Option(help: ArgumentHelp("That contain this, in what they say or in their message.", valueName: "text"))
    var text: String?
    @Option(help: ArgumentHelp("Since then: 30m, 12h, 7d ago, or a time like 2026-01-02T03:04:05Z.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Last written then or before; likewise.", valueName: "time"))
    var until: String?
    @Option(help: ArgumentHelp(
        "\(LetterState.allCases.map(\.rawValue).joined(separator: ", ")), with commas between, or all. By default what is to be done: open and failed_again.",
        valueName: "states"))
    var state: String?

    /// Whether anything was said.
    var isGiven: Bool { [reason, stage, merchant, order, gateway, text, since, until, state].contains { $0 != nil } }

    func filter(now: Moment) throws -> LetterFilter {
        try LetterFilter(
            states: states(), reason: word(reason, "--reason"), stage: word(stage, "--stage"), merchantID: merchant.map(MerchantID.init(_:)), order: order,
            gatewayID: gateway.map(GatewayID.init(_:)), since: moment(since, "--since", now), until: moment(until, "--until", now), text: text)
    }

    private func states() throws -> Set<LetterState>? {
        guard let state else { return nil }
        if state == "all" { return Set(LetterState.allCases) }
        return try Set(state.split(separator: ",").map { part in
            guard let state = LetterState(rawValue: String(part)) else {
                throw ValidationError("--state: '\(part)' is none of \(LetterState.allCases.map(\.rawValue).joined(separator: ", ")), all.")
            }
            return state
        })
    }

    private func word<Word: RawRepresentable & CaseIterable>(_ text: String?, _ option: String) throws -> Word? where Word.RawValue == String {
        guard let text else { return nil }
        guard let word = Word(rawValue: text) else {
            throw ValidationError("\(option): '\(text)' is none of \(Word.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return word
    }

    private func moment(_ text: String?, _ option: String, _ now: Moment) throws -> Moment? {
        guard let text else { return nil }
        if let moment = Moment(rfc3339: text) { return moment }
        if let unit = text.last, let count = Int64(text.dropLast()), count >= 0, count < 1_000_000,
            let seconds = ["s": 1, "m": 60, "h": 3_600, "d": 86_400][unit] as Int64?
        {
            return Moment(milliseconds: now.milliseconds - count * seconds * 1_000)
        }
        throw ValidationError("\(option): expected 30m, 12h, 7d or a time like 2026-01-02T03:04:05Z, found '\(text)'.")
    }
}

/// Which letters are meant: by their ids, or by what they are.
struct LetterSelectionOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Letters, by their ids or the beginnings of them.", valueName: "id"))
    var ids: [String] = []
    @OptionGroup var filter: LetterFilterOptions
    @Flag(help: "All that are to be done.")
    var all = false

    func validate() throws {
        if ids.isEmpty, !filter.isGiven, !all { throw ValidationError("Say which letters: ids, a filter like --reason, or --all.") }
        if !ids.isEmpty, filter.isGiven || all { throw ValidationError("Give either ids or a filter.") }
    }

    func selection(on shelf: LetterShelf, now: Moment) throws -> LetterSelection {
        if ids.isEmpty { return .filter(try filter.filter(now: now)) }
        return .letters(try ids.map { try shelf.id($0) })
    }
}

/// Who acts; every record names them.
struct OperatorOptions: ParsableArguments {
    @Option(name: .customLong("as"), help: ArgumentHelp("Who you are (SALVAGE_OPERATOR; else the name you are logged in by).", valueName: "name"))
    var name: String?

    var by: LetterRecord.Operator {
        let environment = ProcessInfo.processInfo.environment
        let name = [name, environment["SALVAGE_OPERATOR"], environment["USER"], environment["LOGNAME"]].lazy.compactMap { $0 }.first { !$0.isEmpty }
        return LetterRecord.Operator(name: name ?? "unknown", means: .commandLine)
    }
}

enum DeadExit {
    static let nothingMeant = ExitCode(2)
    static let somebodyElse = ExitCode(3)
}

extension LetterShelf {
    /// The one letter that an id, or the beginning of one, means.
    func id(_ text: String) throws -> UUID5 {
        let found = ids(beginningWith: text)
        if found.count > 1 { Terminal.complain("\(Terminal.visible(text)) is the beginning of \(found.count) letters; give more of it.") }
        if found.isEmpty { Terminal.complain("There is no letter \(Terminal.visible(text)). `salvage dead list --state all` shows every one.") }
        guard let id = found.first, found.count == 1 else { throw DeadExit.nothingMeant }
        return id
    }
}

extension BrokerOptions {
    /// All letters as they stand now, and as they come while the command runs. Of very many it shows how far it has read.
    func withShelf<Result: Sendable>(_ body: (LetterShelf, ProcessSettings) async throws -> Result) async throws -> Result {
        try await withLink { link, settings in
            let shelf = LetterShelf(link, settings.names)
            try await shelf.follow()
            let reading = Task {
                try? await Task.sleep(for: .milliseconds(500))
                while !Task.isCancelled {
                    Terminal.progress("reading the dead letters: \(shelf.look { $0.cases.count })")
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { reading.cancel() }
            try await shelf.catchUp()
            reading.cancel()
            await reading.value
            Terminal.endProgress()
            return try await body(shelf, settings)
        }
    }

    /// All letters, and what an operator works with.
    ///
    func withLetters<Result: Sendable>(
        config: ConfigOption? = nil, _ body: (OperatorTools, ProcessSettings) async throws -> Result
    ) async throws -> Result {
        let configuration = try config?.configuration()
        return try await withShelf { shelf, settings in
            try await body(try await OperatorTools(shelf, settings, configuration), settings)
        }
    }
}
