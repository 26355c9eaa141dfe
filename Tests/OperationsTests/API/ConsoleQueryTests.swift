import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// A name in an address that nothing has is refused and never passed over: who mistypes a filter would take all for what he asked for.
@Suite struct ConsoleQueryTests {
    private func ask(_ path: [String], _ query: [String: String], _ method: ConsoleRequest.Method = .get) async throws -> ConsoleResponse {
        await (try await OperatorWorld().console()).answer(
            ConsoleRequest(
                method: method, path: path, query: query, body: .object([]),
                person: ConsoleRequest.Person(name: "Ada", role: .admin, isOpen: false)))
    }

    @Test(
        arguments: [
            (["letters"], "reson", "reason"), (["letters"], "Merchant", "merchant"), (["letters", "groups"], "limit", nil),
            (["letters", "export"], "formt", "format"), (["recoveries"], "oder", "order"), (["money"], "mont", "month"),
            (["runs"], "state", nil), (["status"], "_", nil), (["letters"], "", nil),
        ] as [([String], String, String?)])
    func aNameThatNothingHasIsRefused(path: [String], name: String, meant: String?) async throws {
        let refused = try await ask(path, [name: "x"])
        let error = try #require(refused.body["error"])
        #expect(refused.status == 400)
        #expect(error["what"]?.string == "There is no '\(name)' in the query of GET /api/v1/\(path.joined(separator: "/")).")
        let advice = try #require(error["advice"]?.string)
        #expect(advice.hasPrefix("Did you mean") == (meant != nil), "\(advice)")
        if let meant { #expect(advice.contains("Did you mean \(meant)? Known there: ") && advice.contains(", ")) }
        if path == ["runs"] { #expect(advice == "Leave it out: nothing is named there.") }
    }

    /// What was to be one letter would be all.
    @Test func whatStandsInTheAddressOfAnActIsRefused() async throws {
        let refused = try await ask(["runs"], ["canary": "true"], .post)
        let what = refused.body["error"]?["what"]?.string
        #expect(refused.status == 400 && what == "There is no 'canary' in the query of POST /api/v1/runs.")
    }

    @Test func whatIsKnownIsTakenAndWhatIsEmptySaysNothing() async throws {
        let letters = try await ask(["letters"], ["reason": "", "state": "open,failed_again", "limit": "10", "offset": "0"])
        #expect(letters.status == 200 && letters.body["total"]?.int64 == 0)
        #expect(try await ask(["money"], ["days": "7", "by": "day", "format": ""]).status == 200)
    }

    @Test(arguments: [["letters"], ["letters", "groups"], ["letters", "export"]])
    func aTimeThatEndsBeforeItBeginsIsRefused(path: [String]) async throws {
        let form = path.last == "export" ? ["format": "csv"] : [:]
        let refused = try await ask(path, form.merging(["since": "2", "until": "1"]) { $1 })
        #expect(refused.status == 400 && refused.body["error"]?["what"]?.string?.contains("no letter can be meant") == true)
        #expect(try await ask(path, form.merging(["since": "1", "until": "1"]) { $1 }).status == 200)
    }

    @Test func aPathThatIsNoneIsToldFirst() async throws {
        #expect(try await ask(["letterz"], ["reason": "unreadable"]).status == 404)
    }

    @Test func noCardNumberIsRepeated() async throws {
        let told = try await ask(["letters"], ["4111111111111111": "x"]).body["error"]?["what"]?.string
        #expect(told?.hasPrefix("There is no '") == true && told?.contains("4111111111111111") == false)
    }
}
