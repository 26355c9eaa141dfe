import ArgumentParser
import Broker
import DeclineRecovery
import FoundationEssentials
import Operations
import Service

/// Which letters are meant, by what they are.
struct LetterFilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Why they died: \(DeadLetterReason.allCases.map(\.rawValue).joined(separator: ", ")); several with commas.", valueName: "reason"
        ))
    var reason: [String] = []
    @Option(
        help: ArgumentHelp(
            "Where they died: \(Stage.allCases.map(\.rawValue).joined(separator: ", ")); several with commas.", valueName: "stage"))
    var stage: [String] = []
    @Option(
        help: ArgumentHelp(
            "What may be done with them: \(LetterHandling.allCases.map(\.rawValue).joined(separator: ", ")); several with commas.",
            valueName: "handling"))
    var handling: [String] = []
    @Option(help: ArgumentHelp("Of one merchant.", valueName: "id"))
    var merchant: String?
    @Option(help: ArgumentHelp("Of one order, or one recovery reference.", valueName: "id"))
    var order: String?
    @Option(help: ArgumentHelp("Of one FlexFactor gateway.", valueName: "id"))
    var gateway: String?
    @Option(help: ArgumentHelp("That contain this, in what they say or in their message.", valueName: "text"))
    var text: String?
    @Option(
        help: ArgumentHelp(
            "Last written since then: 30m, 12h, 7d, 2w ago, a day like 2026-01-02, or a time like 2026-01-02T03:04:05Z (UTC).",
            valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Last written then or before; likewise, and a day to its end.", valueName: "time"))
    var until: String?
    @Option(
        help: ArgumentHelp(
            "\(LetterState.allCases.map(\.rawValue).joined(separator: ", ")), with commas between, or all. By default what is to be done: open and failed_again.",
            valueName: "states"))
    var state: [String] = []

    /// Whether anything was said.
    var isGiven: Bool {
        ![reason, stage, handling, state].allSatisfy(\.isEmpty) || [merchant, order, gateway, text, since, until].contains { $0 != nil }
    }

    func validate() throws { _ = try filter(now: SystemClock().now()) }

    func filter(now: Moment) throws -> LetterFilter {
        try ValidationError.refuse(empty: [
            ("merchant", merchant), ("order", order), ("gateway", gateway), ("text", text), ("since", since), ("until", until),
        ])
        var filter = LetterFilter(
            states: state == ["all"] ? Set(LetterState.allCases) : try words(state, "--state", "all"),
            merchantID: merchant.map(MerchantID.init(_:)), order: order,
            gatewayID: gateway.map(GatewayID.init(_:)), since: try moment(since, "--since", now),
            until: try moment(until, "--until", now, isEnd: true),
            text: text)
        filter.reasons = try words(reason, "--reason")
        filter.stages = try words(stage, "--stage")
        filter.handlings = try words(handling, "--handling")
        if let since = filter.since, let until = filter.until, since > until {
            throw ValidationError("--since \(since.rfc3339) is after --until \(until.rfc3339): no letter can be meant.")
        }
        return filter
    }

    private func words<Word: RawRepresentable & CaseIterable & Hashable>(
        _ texts: [String], _ option: String, _ more: String...
    ) throws -> Set<Word>? where Word.RawValue == String {
        if texts.isEmpty { return nil }
        return try Set(
            texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { part in
                guard let word = Word(rawValue: String(part)) else {
                    throw ValidationError(
                        "\(option): '\(part)' is none of \((Word.allCases.map(\.rawValue) + more).joined(separator: ", ")).")
                }
                return word
            })
    }

    /// - Parameter isEnd: a day is meant to its end.
    private func moment(_ text: String?, _ option: String, _ now: Moment, isEnd: Bool = false) throws -> Moment? {
        guard let text else { return nil }
        let time = text.replacing(" ", with: "T")
        if let moment = Moment(rfc3339: time) ?? Moment(rfc3339: time + "Z") { return moment }
        if let day = Moment(rfc3339: text + "T00:00:00Z") { return isEnd ? Moment(milliseconds: day.milliseconds + 86_399_999) : day }
        // As our JSON gives times.
        if text.count >= 12, let milliseconds = Int64(text), milliseconds > 0 { return Moment(milliseconds: milliseconds) }
        if let ago = Moment.Span(text, units: "smhdw", counting: 0...999_999) {
            return Moment(milliseconds: now.milliseconds - ago.milliseconds)
        }
        throw ValidationError(
            "\(option): expected 30m, 12h, 7d, 2w, a day like 2026-01-02 or a time like 2026-01-02T03:04:05Z, found '\(text)'.")
    }
}

/// Which letters are meant: by their ids, or by what they are.
struct LetterSelectionOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Letters, by their ids or the beginnings of them.", valueName: "id"))
    var ids: [String] = []
    @OptionGroup var filter: LetterFilterOptions
    @Flag(help: "All that are to be done.")
    var all = false

    var isFiltered: Bool { filter.isGiven || all }

    /// Whoever has these options asks for this: a run that goes on has its letters.
    func check() throws {
        if ids.isEmpty, !isFiltered { throw ValidationError("Say which letters: ids, a filter like --reason, or --all.") }
        if !ids.isEmpty, isFiltered { throw ValidationError("Give either ids or a filter.") }
    }

    func selection(on store: LetterStore, now: Moment) throws -> LetterSelection {
        if ids.isEmpty { return .filter(try filter.filter(now: now)) }
        return .letters(try ids.map { try store.id($0) })
    }
}

/// Who acts; every record names them.
struct OperatorOptions: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Who you are (SALVAGE_OPERATOR; else the name you are logged in by).", valueName: "name"))
    var name: String?

    func validate() throws {
        try ValidationError.refuse(empty: [("as", name)])
        if known == nil {
            throw ValidationError("Nobody knows who you are, and every record names who acted: give --as NAME, or set SALVAGE_OPERATOR.")
        }
        if let refusal = OperatorWords.refusal(of: known, as: "operator's name") { throw ValidationError(refusal) }
    }

    var by: LetterRecord.Operator { LetterRecord.Operator(name: known ?? "", means: .commandLine) }

    private var known: String? {
        let environment = ProcessInfo.processInfo.environment
        let names = [name, environment["SALVAGE_OPERATOR"], environment["USER"], environment["LOGNAME"], Terminal.user]
        return names.lazy.compactMap { $0 }.first { !$0.allSatisfy(\.isWhitespace) }
    }
}

enum DeadExit {
    static let nothingMeant = ExitCode(2)
    static let somebodyElse = ExitCode(3)
    /// As a shell says of a process that ended by SIGINT.
    static let interrupted = ExitCode(130)
}

extension LetterStore {
    /// The one letter that an id, or the beginning of one, means.
    func id(_ text: String) throws -> UUID5 {
        if text.allSatisfy(\.isWhitespace) { throw ExitCode.misuse("a letter's id is empty. `salvage dead list` shows the ids.") }
        let found = ids(beginningWith: text)
        if found.count > 1 { Terminal.complain("\(Terminal.visible(text)) is the beginning of \(found.count) letters; give more of it.") }
        if found.isEmpty {
            Terminal.complain("There is no letter \(Terminal.visible(text)). `salvage dead list --state all` shows every one.")
        }
        guard let id = found.first, found.count == 1 else { throw DeadExit.nothingMeant }
        return id
    }
}

extension BrokerOptions {
    /// All letters as they stand now, and as they come while the command runs. Of very many it shows how far it has read.
    func withStore<Result: Sendable>(_ body: (LetterStore) async throws -> Result) async throws -> Result {
        try await withLettersAndLink { store, _, _ in try await body(store) }
    }

    private func withLettersAndLink<Result: Sendable>(_ body: (LetterStore, BrokerLink, ProcessSettings) async throws -> Result)
        async throws
        -> Result
    {
        try await withLink { link, settings in
            let store = LetterStore(link, settings.names)
            try await store.follow()
            let reading = Task {
                try? await Task.sleep(for: .milliseconds(500))
                while !Task.isCancelled {
                    Terminal.progress("reading the dead letters: \(store.look { $0.cases.count })")
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { reading.cancel() }
            try await store.catchUp()
            reading.cancel()
            await reading.value
            Terminal.endProgress()
            return try await body(store, link, settings)
        }
    }

    /// All letters, and what an operator works with.
    func withLetters<Result: Sendable>(
        config: ConfigOption?, _ body: (OperatorTools) async throws -> Result
    ) async throws -> Result {
        let configuration = try config?.configuration()
        return try await withLettersAndLink { store, link, settings in
            let tools = OperatorTools(store, on: link, settings, configuration)
            try await tools.catchUp()
            return try await body(tools)
        }
    }
}
