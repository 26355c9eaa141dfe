import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// What a question about the mapping is refused for says what was expected.
@Suite struct MappingAPITests {
    private let world = OperatorWorld(merchants: Merchants(Merchant(id: "caf\u{E9}", flexFactorGateways: [])))

    private func asked(_ members: [(String, JSONValue)], at path: [String] = ["mapping"]) async throws -> ConsoleResponse {
        let body = JSONValue.object(of: members.map { ($0.0, Optional($0.1)) })
        return await (try await world.console()).answer(
            ConsoleRequest(
                method: .post, path: path, query: [:], body: body,
                person: ConsoleRequest.Person(name: "Ada", role: .viewer, isOpen: false)))
    }

    /// It looks the same and is another: only its letters tell.
    @Test func aMerchantThatIsNotThereIsSpelledOut() async throws {
        let decomposed = JSONValue.string("cafe\u{301}")
        let question: [(String, JSONValue)] = [("source", .string("nmi")), ("code", .string("201")), ("merchant", decomposed)]
        for answer in [
            try await asked(question),
            try await asked([("draft", .string("[]")), ("merchant", decomposed)], at: ["mapping", "whatif"]),
        ] {
            let what = answer.body["error"]?["what"]?.string ?? ""
            #expect(answer.status == 422 && what.contains("compared byte by byte, and this one is spelled cafe\\u{0301}"), "\(what)")
        }
        let known = try await asked([("source", .string("nmi")), ("code", .string("201")), ("merchant", .string("caf\u{E9}"))])
        #expect(known.status == 200)
        let plain = try await asked([("code", .string("201")), ("merchant", .string("acme"))])
        #expect(plain.body["error"]?["what"]?.string == "The configuration has no merchant acme.")
    }

    /// Passed over, it would look as if the CRM's word had counted for nothing.
    @Test func aClassThatIsNoneIsRefused() async throws {
        let question: [(String, JSONValue)] = [("source", .string("nmi")), ("code", .string("201"))]
        let refused = try await asked(question + [("crmClass", .string("sofft"))])
        #expect(refused.status == 400 && refused.body["error"]?["what"]?.string == "crmClass: expected soft or hard, found 'sofft'.")
        #expect(try await asked(question + [("crmClass", .string("soft"))]).status == 200)
        let type = try await asked(question + [("orderType", .string("sale"))])
        #expect(type.body["error"]?["what"]?.string == "orderType: expected new_sale or recurring, found 'sale'.")
    }
}
