import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// What operators write stays for a year; a card number is refused before it is there.
@Suite struct OperatorWordsTests {
    private let world = OperatorWorld()

    private func ask(
        _ console: ConsoleAPI, _ path: [String], _ letter: UUID5, _ action: String, note: String, by name: String = "Ada"
    ) async -> ConsoleResponse {
        let body = JSONValue.object(of: [
            ("action", .string(action)), ("letters", .array([.string(letter.description)])), ("note", .string(note)),
        ])
        return await console.answer(
            ConsoleRequest(
                method: .post, path: path, query: [:], body: body, person: ConsoleRequest.Person(name: name, role: .admin, isOpen: false)))
    }

    @Test func aNoteWithCardDataDoesNothing() async throws {
        let letter = try #require(world.write([OperatorWorld.letter("ONE")]).first)
        let console = try await world.console()
        for action in ["discard", "resolve", "replay"] {
            for note in ["card 4012888888881881 cvv 737 called", "the customer said 4012 8888 8888 1881"] {
                let answer = await ask(console, ["runs"], letter, action, note: note)
                #expect(answer.status == 422 && answer.body["error"]?["what"]?.string?.hasPrefix("The note holds ") == true, "\(answer)")
            }
        }
        #expect(await ask(console, ["runs", "rehearse"], letter, "replay", note: "4012888888881881").status == 422)
        let named = await ask(console, ["runs"], letter, "discard", note: "of no use", by: "ada 4012888888881881")
        #expect(named.status == 422)
        #expect(named.body["error"]?["what"]?.string == "The operator's name holds a card number; leave it out.")
        #expect(world.broker.records.isEmpty && world.broker.sent.isEmpty)
        #expect(await ask(console, ["runs"], letter, "discard", note: "of no use").status == 202)
    }

    @Test func whatHoldsNoCardDataIsKept() {
        for text in [nil, "", "Ada", "order 4012 of 2026-11-27, paid 88.88 USD", "asked Bob"] as [String?] {
            #expect(OperatorWords.refusal(of: text, as: "note") == nil)
        }
        #expect(OperatorWords.refusal(of: "x 4012888888881881", as: "note") == "The note holds a card number; leave it out.")
    }
}
