import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// What may be done with a letter is said once: the console offers what a job does, and nothing else.
@Suite struct LetterOffersTests {
    /// One letter in every state, of everything that may be done with one.
    private static func everyLetter() async throws -> (world: OperatorWorld, letters: [String: UUID5]) {
        let reasons: [DeadLetterReason] = [.refusedByFlexFactor, .unreadable, .outcomeUnknown]
        let again = OperatorWorld.letter("again", at: OperatorWorld.start + .days(1))
        let successor = OperatorWorld.letter("successor", .unexpectedType, at: OperatorWorld.start + .days(1))
        let world = OperatorWorld { message in
            switch message.messageID {
            case again.original.messageID: .dies(again)
            case successor.original.messageID: .dies(successor)
            default: .waits
            }
        }
        var letters: [String: UUID5] = [:]
        for reason in reasons {
            for name in ["open", "resolved", "discarded"] {
                letters["\(name) \(reason.rawValue)"] = world.write([OperatorWorld.letter("\(name)-\(reason.rawValue)", reason)])[0]
            }
            try await world.act(.resolve, .letters([letters["resolved \(reason.rawValue)"]!]))
            try await world.act(.discard, .letters([letters["discarded \(reason.rawValue)"]!]))
        }
        for name in ["replayed", "again", "successor"] { letters[name] = world.write([OperatorWorld.letter(name)])[0] }
        try await world.act(.replay(), .letters([letters["replayed"]!, letters["again"]!, letters["successor"]!]))
        let book = try await world.book()
        #expect(book[letters["replayed"]!]?.state == .replayed && book[letters["again"]!]?.state == .failedAgain)
        #expect(book[letters["again"]!]?.successor == nil && book[letters["successor"]!]?.successor != nil)
        return (world, letters)
    }

    private func ask(
        _ console: ConsoleAPI, _ method: ConsoleRequest.Method, _ path: [String], _ body: JSONValue = .null, as role: ConsoleRole = .admin
    ) async -> ConsoleResponse {
        await console.answer(
            ConsoleRequest(
                method: method, path: path, query: [:], body: body, person: ConsoleRequest.Person(name: "Ada", role: role, isOpen: false)))
    }

    /// Of one letter, by act: `nil` where it is offered, else why not.
    private func offers(_ console: ConsoleAPI, _ letter: UUID5, as role: ConsoleRole = .admin) async -> [String: String?] {
        let answer = await ask(console, .get, ["letters", letter.description], as: role).body
        return (answer["actions"]?.array ?? []).reduce(into: [:]) { $0[$1["action"]?.string ?? ""] = .some($1["why"]?.string) }
    }

    @Test(arguments: LetterAction.Kind.allCases)
    func whatIsOfferedIsDoneAndWhatIsNotIsLeftOut(action: LetterAction.Kind) async throws {
        let (world, letters) = try await Self.everyLetter()
        let console = try await world.console()
        let order: LetterAction =
            switch action {
            case .replay: .replay()
            case .reconcile: .reconcile
            case .resolve: .resolve
            case .discard: .discard
            case .restore: .restore
            }
        var said: [UUID5: String??] = [:]
        for letter in letters.values { said[letter] = await offers(console, letter)[action.rawValue] }
        let (job, _) = try await world.act(order, .letters(Array(letters.values)))
        let leftOut = Dictionary(
            job.progress.results.filter { $0.outcome == .leftOut }.map { ($0.letter, $0.sentence) }, uniquingKeysWith: { first, _ in first }
        )
        #expect(job.progress.leftOut == leftOut.count)
        for (name, letter) in letters {
            let isOffered = if case .some(.some(.none)) = said[letter] { true } else { false }
            #expect(isOffered == (leftOut[letter] == nil), "\(name): \(leftOut[letter] ?? "done")")
            if case .some(.some(.some(let why))) = said[letter] { #expect(leftOut[letter] == why, "\(name)") }
        }
    }

    @Test(arguments: [
        ("open refused_by_flexfactor", ["replay", "resolve", "discard"], [String]()),
        ("open unreadable", ["resolve", "discard"], ["replay"]),
        ("open outcome_unknown", ["reconcile", "resolve", "discard"], ["replay"]),
        ("again", ["replay", "resolve", "discard"], []),
        ("successor", ["resolve", "discard", "restore"], ["replay"]),
        ("replayed", ["resolve", "discard", "restore"], ["replay"]),
        ("resolved outcome_unknown", ["restore"], ["replay"]),
        ("discarded refused_by_flexfactor", ["resolve", "restore"], ["replay"]),
    ])
    func whatOneWouldLookForIsOfferedOrRefusedInWords(name: String, offered: [String], refused: [String]) async throws {
        let (world, letters) = try await Self.everyLetter()
        let offers = await offers(try await world.console(), letters[name]!)
        #expect(Set(offers.filter { $0.value == nil }.keys) == Set(offered))
        #expect(Set(offers.filter { $0.value != nil }.keys) == Set(refused))
    }

    @Test func aRoleDecidesWhatIsOffered() async throws {
        let (world, letters) = try await Self.everyLetter()
        let console = try await world.console()
        let letter = letters["open outcome_unknown"]!
        #expect(
            await offers(console, letter, as: .viewer) == [
                "replay": "needs the role operator; yours is viewer", "reconcile": "needs the role operator; yours is viewer",
                "resolve": "needs the role operator; yours is viewer", "discard": "needs the role admin; yours is viewer",
            ])
        #expect(await offers(console, letter, as: .operator)["discard"] == "needs the role admin; yours is operator")
        // And what is not offered is refused when it is asked for.
        for (action, role) in [("replay", ConsoleRole.viewer), ("discard", .operator)] {
            let order = JSONValue.object(of: [
                ("action", .string(action)), ("letters", .array([.string(letter.description)])), ("note", "why"),
            ])
            #expect(await ask(console, .post, ["runs"], order, as: role).status == 403)
        }
        #expect(try await world.states([letter]) == [.open])
    }

    /// Numbers and sentences of many: how many take it, who is left out and why, what will happen.
    @Test func ofManyItIsSaidHowManyTakeItAndWhyTheOthersDoNot() async throws {
        let (world, letters) = try await Self.everyLetter()
        let console = try await world.console()
        func offer(_ action: String, _ selection: (String, JSONValue)) async -> JSONValue {
            let body = JSONValue.object(of: [("action", .string(action)), (selection.0, selection.1)])
            return await ask(console, .post, ["letters", "actions"], body).body["actions"]?.array?.first ?? .null
        }
        let all = ("letters", JSONValue.array(letters.values.map { .string($0.description) }))
        let replay = await offer("replay", all)
        #expect(replay["takes"]?.int64 == 2 && replay["letters"]?.array?.count == 2 && replay["needsNote"]?.bool == true)
        #expect(replay["consequence"]?.string?.hasPrefix("2 letters will be sent again to where they came from") == true)
        let leftOut = replay["leftOut"]?.array ?? []
        #expect(leftOut.reduce(0) { $0 + ($1["count"]?.int64 ?? 0) } == Int64(letters.count) - 2 && leftOut.count <= 6)
        let discard = await offer("discard", all)
        #expect(discard["takes"]?.int64 == 6 && discard["inDoubt"]?.int64 == 1)
        #expect(discard["caution"]?.string?.contains("of 1 of them") == true)
        // Of a filter only what is in a state to take it is meant: nobody reads of letters that came to rest long ago.
        let everything = ("filter", JSONValue.object(of: [("state", "all")]))
        let filtered = await offer("reconcile", everything)
        #expect(filtered["takes"]?.int64 == 1 && filtered["letters"] == nil)
        #expect(filtered["leftOut"]?.array?.allSatisfy { $0["why"]?.string?.contains("already") == false } == true)
        #expect(await offer("restore", ("filter", .object([]))) == .null, "nothing that is to do is restored")
    }

    @Test func noActTakesALetterInAStateThatItDoesNotName() async throws {
        let (world, letters) = try await Self.everyLetter()
        let book = try await world.book()
        for action in LetterAction.Kind.allCases {
            let taken = letters.values.compactMap { book[$0] }.filter { action.refusal(of: $0) == nil }
            // A charge in doubt is never replayed, so it does not fail again.
            #expect(Set(taken.map(\.state)) == (action == .reconcile ? [.open] : action.states), "\(action)")
        }
    }
}
