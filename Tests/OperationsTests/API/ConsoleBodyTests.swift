import DeclineRecovery
import JSON
import Testing

@testable import Operations

/// What is of another kind than it should be is refused and never passed over: it would act on more than was meant.
@Suite struct ConsoleBodyTests {
    private func body(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8).span) }

    private func refusal(_ read: () throws(ConsoleError) -> some Any) -> String? {
        do throws(ConsoleError) {
            _ = try read()
            return nil
        } catch {
            return error.status == 400 ? error.what : "status \(error.status)"
        }
    }

    @Test func aMemberOfAnotherKindIsRefused() throws {
        let body = try body(#"{"canary": "yes", "rate": "50", "note": 7, "patch": "x", "body": null}"#)
        #expect(refusal { () throws(ConsoleError) in try body.flag("canary") } == "canary: expected true or false.")
        #expect(refusal { () throws(ConsoleError) in try body.whole("rate") } == "rate: expected a whole number.")
        #expect(refusal { () throws(ConsoleError) in try body.text("note") } == "note: expected a text.")
        #expect(refusal { () throws(ConsoleError) in try body.patch("patch") } == "status 422")
        #expect(refusal { () throws(ConsoleError) in try body.allow(["canary", "rate", "note", "patch"]) } == "There is no 'body' here.")
        #expect(try body.text("body") == nil && body.text("missing") == nil)
    }

    @Test(arguments: [
        #"{}"#, #"{"letters": []}"#, #"{"letters": ["x"]}"#, #"{"letters": [7]}"#, #"{"letters": null}"#, #"{"filter": null}"#,
        #"{"filter": []}"#,
        #"{"letters": ["7ae29faa-70d1-5272-8e61-aa70484a208e"], "filter": {}}"#, #"{"filter": {"merchnt": "acme"}}"#,
        #"{"filter": {"merchant": 7}}"#, #"{"filter": {"stage": "nowhere"}}"#, #"{"filter": {"since": true}}"#,
    ])
    func whatNamesNoLettersForCertainNamesNone(text: String) throws {
        let body = try body(text)
        let why = refusal { () throws(ConsoleError) in try body.letters() }
        #expect(why != nil)
    }

    @Test func lettersAreNamedByTheirIdsOrByAFilter() throws {
        let ids = try body(#"{"letters": ["7ae29faa-70d1-5272-8e61-aa70484a208e"]}"#).letters()
        guard case .letters(let letters) = ids else { return #expect(Bool(false), "\(ids)") }
        #expect(letters.map(\.description) == ["7ae29faa-70d1-5272-8e61-aa70484a208e"])
        let text = #"{"filter": {"merchant": "acme", "stage": "retry", "since": 1000, "until": "2000", "gateway": null}}"#
        guard case .filter(let filter) = try body(text).letters() else { return #expect(Bool(false)) }
        #expect(filter.merchantID == "acme" && filter.stages == [.retry] && filter.gatewayID == nil)
        #expect(filter.since?.milliseconds == 1_000 && filter.until?.milliseconds == 2_000)
    }
}
