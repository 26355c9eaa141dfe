import FleetSupport
import Foundation
import TestSupport
import Testing

/// The mapping seen from outside: measured, asked in bulk, and asked again under other rules.
@Suite struct MappingTests {
    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mapping-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func aCorpusIsMeasuredInOneCommand() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "declines.csv")
        try """
        source,code,text,network_code,advice,said_class,plain
        NMI,202,Insufficient funds,,,soft,soft
        Verifi,252,Stolen card,,,hard,hard
        NMI,200,"Declined, stolen card",,,hard,hard
        nobody,-,Do Not Honour,,,soft,soft
        nobody,-,Expired card,,,soft,correct-data
        nobody,qq,,,,,

        """.write(to: file, atomically: true, encoding: .utf8)
        let shown = try await ChildProcess.run(TestMachine.salvage, ["classify", "--corpus", file.path])
        #expect(
            shown.status == 0 && shown.output.contains("network_order:nmi/252") && shown.output.contains("text:do_not_honor"), "\(shown)")
        let overall = try #require(shown.output.split(separator: "\n").first { $0.hasPrefix("all ") }, "\(shown)")
        #expect(overall.contains("1 of 6, 16.7 %") && overall.contains("1 of 3, 33.3 %") && overall.contains("0 of 2, 0.0 %"), "\(overall)")
        let json = try await ChildProcess.run(TestMachine.salvage, ["classify", "--corpus", file.path, "--json"])
        let answer = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let figures = try #require(answer["figures"] as? [String: Any])
        #expect((figures["unknown"] as? [String: Any])?["count"] as? Int == 1 && (answer["rows"] as? [Any])?.count == 6)
        #expect((answer["sources"] as? [String: [String: Any]])?["nmi"]?["rows"] as? Int == 3, "\(json.output.suffix(600))")
        let broken = try await ChildProcess.run(TestMachine.salvage, ["classify", "--corpus", folder.appending(path: "none.csv").path])
        #expect(broken.status == 1 && broken.error.contains("cannot be read"), "\(broken)")
    }

    @Test func aBatchNamesEachEventAndGoesOnAfterARejectedOne() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "declines.ndjson")
        let rejected = #"{"specversion":"1.0","id":"bad-1","source":"https://crm.example.test","type":"com.salvage.decline.v1","data":{}}"#
        let events = [
            String(decoding: CRM.decline("B1"), as: UTF8.self), rejected, String(decoding: CRM.decline("B2", code: "252"), as: UTF8.self),
        ]
        try events.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        let batch = try await ChildProcess.run(TestMachine.salvage, ["classify", "--event", file.path, "--json"])
        let lines = batch.output.split(separator: "\n")
        #expect(batch.status == 1 && lines.count == 3, "\(batch)")
        #expect(lines.first?.contains(#""id":"decline-B1""#) == true && lines.first?.contains(#""class":"soft""#) == true, "\(lines)")
        #expect(
            lines.dropFirst().first?.contains(#""id":"bad-1""#) == true && lines.dropFirst().first?.contains(#""faults":["#) == true,
            "\(lines)")
        #expect(lines.last?.contains(#""id":"decline-B2""#) == true && lines.last?.contains("network_order:nmi/252") == true, "\(lines)")
    }

    @Test func aGatewayTypeThatNoTableClaimsIsNamedWithTheNearest() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "salvage.yaml")
        let gateways =
            "    gateways: [{ id: \"7\", type: authorizenett }, { id: \"8\", type: Network Merchants }, { id: \"9\", type: qqqqqqqqqqqq }]\n    policy:"
        try Fleet.Plan.oneMerchant().replacing("SANDBOX", with: "sandbox").replacing("    policy:", with: gateways).write(
            to: file, atomically: true, encoding: .utf8)
        let checked = try await ChildProcess.run(TestMachine.salvage, ["config", "check", file.path])
        let said = checked.output + checked.error
        #expect(checked.status == 0 && said.contains("authorizenett; the nearest is authorizenet"), "\(checked)")
        #expect(said.contains("qqqqqqqqqqqq. Its declines are decided by their text") && !said.contains("network merchants;"), "\(checked)")
    }

    @Test(.timeLimit(.minutes(10)))
    func theJournalsDeclinesAreAskedAgainUnderOtherRules() async throws {
        var plan = Fleet.Plan()
        plan.configuration += Operator.access()
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            // An expired card is hard, what nobody knows is a gap, and a stolen card stays what it is.
            let unknown = String(decoding: CRM.decline("W3", code: "998"), as: UTF8.self).replacing(
                "Do not honor", with: "Something of our own")
            try await crm.publish([CRM.decline("W1", code: "223"), CRM.decline("W2", code: "252"), Array(unknown.utf8)])
            try await eventually("all are told") { crm.count >= 3 }
            let console = try await fleet.startConsole()
            let body = #"{"draft":"- { gateway: nmi, code: 223, class: soft, name: tried }","merchant":"acme"}"#
            var answer = (status: 0, text: "")
            try await eventually("the journal holds them") {
                answer = try await console.ask("POST", "/api/mapping/whatif", body, as: .viewer)
                return answer.text.contains(#""asked":3"#)
            }
            #expect(answer.status == 200 && answer.text.contains(#""changed":1"#), "\(answer)")
            #expect(
                answer.text.contains(
                    #""code":"223","was":"hard","becomes":"soft","rule":"merchant:tried","count":1,"worth":[{"currency":"USD","minorUnits":4999}]"#
                ), "\(answer)")
            let all = try await console.ask(
                "POST", "/api/mapping/whatif", #"{"draft":"policy: { correctableDeclines: soft, unknownDeclines: soft }"}"#, as: .viewer)
            #expect(all.text.contains(#""changed":2"#), "\(all)")
            let faulty = try await console.ask("POST", "/api/mapping/whatif", #"{"draft":"- { gateway: nmi, class: soft }"}"#, as: .viewer)
            #expect(faulty.status == 422 && faulty.text.contains("declineMapping[0].code"), "\(faulty)")
            #expect(try await console.ask("POST", "/api/mapping/whatif", #"{"draft":" "}"#, as: .viewer).status == 400)
            let gaps = try await console.ask("GET", "/api/mapping/gaps", as: .viewer)
            #expect(
                gaps.text.contains("Something of our own")
                    && gaps.text.contains(#"- { gateway: nmi, text: \"Something of our own\", class: hard }"#), "\(gaps)")
            // The command tells the same of a whole configuration.
            let file = fleet.folder.appending(path: "new.yaml")
            try plan.configuration.replacing("policy: {", with: "policy: { correctableDeclines: soft,").replacing(
                "SANDBOX", with: "sandbox"
            )
            .write(to: file, atomically: true, encoding: .utf8)
            let told = try await fleet.salvage("mapping", "whatif", "--config", file.path, "--json")
            #expect(
                told.status == 0 && told.output.contains(#""asked":3"#)
                    && told.output.contains(#""code":"223","was":"hard","becomes":"soft""#), "\(told)")
            let listed = try await fleet.salvage("mapping", "gaps")
            #expect(listed.output.contains("Something of our own"), "\(listed)")
            let printed = try await fleet.salvage("mapping", "gaps", "--json")
            #expect(printed.status == 0 && printed.output.contains(#""code":"998","text":"Something of our own""#), "\(printed)")
        }
    }
}
