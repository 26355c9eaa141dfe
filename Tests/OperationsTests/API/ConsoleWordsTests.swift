import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// Nothing that is said to the console is passed over, and a refusal names what was found and what was expected.
@Suite struct ConsoleWordsTests {
    private let world = OperatorWorld()

    private func ask(
        _ method: ConsoleRequest.Method, _ path: [String], _ body: String = "{}", query: [String: String] = [:]
    ) async throws -> (status: Int, what: String) {
        let answer = await (try await world.console()).answer(
            ConsoleRequest(
                method: method, path: path, query: query, body: try JSONValue(parsing: Array(body.utf8).span),
                person: ConsoleRequest.Person(name: "Ada", role: .admin, isOpen: false)))
        return (answer.status, answer.body["error"]?["what"]?.string ?? "")
    }

    @Test(
        arguments: [
            (["mapping"], #"{"source": "nmi", "code": "201", "respnse": "x"}"#),
            (["mapping", "whatif"], #"{"draft": "[]", "respnse": "x"}"#),
            (["letters", "7ae29faa-70d1-5272-8e61-aa70484a208e", "check"], #"{"body": "{}", "respnse": "x"}"#),
            (["runs", "7ae29faa-70d1-5272-8e61-aa70484a208e", "stop"], #"{"respnse": "x"}"#),
            (["runs", "7ae29faa-70d1-5272-8e61-aa70484a208e", "resume"], #"{"respnse": "x"}"#),
        ] as [([String], String)])
    func aMemberThatNothingHasIsRefused(path: [String], body: String) async throws {
        let refused = try await ask(.post, path, body)
        #expect(refused.status == 400 && refused.what == "There is no 'respnse' here.", "\(refused)")
    }

    /// The one would be taken and the other not seen to be left.
    @Test func whatSaysTheSameTwiceIsRefused() async throws {
        let event = try await ask(.post, ["mapping"], #"{"event": "{}", "code": "51"}"#)
        #expect(event.status == 400 && event.what == "code: an event says all of it, and both are given.", "\(event)")
        let blank = try await ask(.post, ["mapping"], #"{"event": " ", "source": "nmi", "code": "201"}"#)
        #expect(blank.status == 200, "\(blank)")
        let letter = world.write([OperatorWorld.letter("A")])[0]
        let both = try await ask(.post, ["letters", letter.description, "check"], #"{"body": "{}", "patch": []}"#)
        #expect(both.status == 400 && both.what == "Expected a body or a patch, and not both.", "\(both)")
    }

    /// Whoever writes it means that one letter is discarded first.
    @Test(arguments: [
        #""canary": true"#, #""rate": 50"#, #""rerun": true"#, #""crmConsent": true"#, #""acceptSkips": true"#,
        #""patch": [{"op": "remove", "path": "/data"}]"#,
    ])
    func whatOnlyAReplayHasIsRefusedOfOtherActs(member: String) async throws {
        let letter = world.write([OperatorWorld.letter("A")])[0]
        let body = #"{"action": "discard", "note": "why", "letters": ["\#(letter)"], \#(member)}"#
        let refused = try await ask(.post, ["runs"], body)
        #expect(refused.status == 400 && refused.what.hasSuffix("only a replay has it, and this is to discard."), "\(refused)")
        #expect(try await world.states([letter]) == [.open])
    }

    @Test func whatAPageSaysOfOtherActsIsTaken() async throws {
        let letter = world.write([OperatorWorld.letter("A")])[0]
        let body = #"{"action": "discard", "note": "why", "letters": ["\#(letter)"], "canary": false, "rerun": null, "patch": []}"#
        #expect(try await ask(.post, ["runs"], body).status == 202)
    }

    @Test(
        arguments: [
            (
                ["letters"], ["stage": "nowhere"],
                "stage: expected one of intake, cascade, retry, outcomes, suspects, unrouted, held, found "
            ),
            (["letters"], ["state": "open,shut"], "state: expected all, or of open, "),
            (["letters"], ["since": "1d"], "since: expected milliseconds since 1970, found '1d'."),
            (["letters"], ["limit": "500"], "limit: expected a whole number of 1...200, found '500'."),
            (["letters", "export"], [:], "format: expected csv or json, found nothing."),
            (["money"], ["format": "xlsx"], "format: expected json or csv, found 'xlsx'."),
            (["recoveries"], ["order": String(repeating: "x", count: 513)], "order: expected 512 bytes at the most, found 513."),
        ] as [([String], [String: String], String)])
    func aValueThatIsNoneIsNamedWithWhatWasExpected(path: [String], query: [String: String], words: String) async throws {
        let refused = try await ask(.get, path, query: query)
        #expect(refused.status == 400 && refused.what.hasPrefix(words), "\(refused)")
    }

    /// Lists at a terminal show the beginnings of ids.
    @Test func theBeginningOfAnIDIsToldFromALetterThatIsGone() async throws {
        let short = try await ask(.get, ["letters", "3f2a"])
        #expect(short.status == 404 && short.what == "'3f2a' is no id of a letter or a run.")
        let gone = try await ask(.get, ["letters", "7ae29faa-70d1-5272-8e61-aa70484a208e"])
        #expect(gone.status == 404 && gone.what == "There is no letter and no run of this id.")
        let named = try await ask(.post, ["runs"], #"{"action": "discard", "note": "why", "letters": ["3f2a"]}"#)
        #expect(named.status == 400 && named.what == "letters: expected ids of 36 characters, found '3f2a'.")
    }
}
