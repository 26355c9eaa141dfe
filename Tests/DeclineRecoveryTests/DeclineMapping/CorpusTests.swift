import Foundation
import Testing

@testable import DeclineRecovery

/// The mapping measured against real declines; the floors stand in one file, `Corpus/floors.json`.
@Suite struct CorpusTests {
    private static func file(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    @Test func theCorpusStaysAboveItsFloors() throws {
        let corpus = try DeclineCorpus(csv: Self.file("declines.csv"))
        #expect(corpus.rows.count > 1_800)
        let figures = DeclineCorpus.Figures(corpus.decisions(merchant: Merchant(id: "none", flexFactorGateways: [])))
        let shares = Dictionary(uniqueKeysWithValues: figures.all.map { ($0.name, $0.share) })
        let floors = try JSONDecoder().decode(Floors.self, from: Data(Self.file("floors.json")))
        #expect(floors.atMostPercent.count >= 5)
        for (name, limit) in floors.atMostPercent {
            let share = shares[name] ?? DeclineCorpus.Share()
            #expect(share.of > 0, "there is no figure \(name)")
            #expect(share.percent <= limit, "\(name): \(share.count) of \(share.of), more than \(limit) %")
        }
    }

    /// Declines that somebody judged one by one, mostly in languages and of gateways that `declines.csv` lacks.
    @Test func whatWasJudgedOneByOneIsToldSo() throws {
        let corpus = try DeclineCorpus(csv: Self.file("judged.csv"))
        #expect(corpus.rows.count > 1_700)
        for decision in corpus.decisions(merchant: Merchant(id: "none", flexFactorGateways: [])) {
            let says = decision.says
            let isAsJudged =
                switch decision.row.plain {
                case "soft": says.category == .softNow || says.category == .softLater
                case "account": says.category == .accountWrong
                case "never": says.category == .never
                case "correct-data": says.category == .correctData
                case "unknown-outcome": says.isOutcomeUnknown
                case "hard": says.category == .hard || says.category == .requestWrong || says.category == .correctData
                default: false
                }
            #expect(isAsJudged, "\(decision.row.source) \(decision.row.code) \(decision.row.text): \(says.rule), not \(decision.row.plain)")
        }
    }

    private struct Floors: Decodable {
        let atMostPercent: [String: Double]
    }

    @Test func everySpellingIsFound() throws {
        let lines = String(decoding: try Self.file("spellings.csv"), as: UTF8.self)
        let rows = try DeclineCorpus(csv: Array(lines.replacing("spelling,source,a code it knows", with: "source,text,code").utf8)).rows
        #expect(rows.count > 40)
        for row in rows {
            let table = try #require(DeclineTables.builtIn.table(of: row.source), "no table of \(row.source)")
            #expect(DeclineTables.builtIn.finding(row.code, in: table) != nil, "\(row.source) (\(table.source)) does not know \(row.code)")
        }
    }

    @Test(arguments: [("", 1), ("a,b\n1,2\n", 1), ("source,code,text\nnmi,1\n", 2), ("source,code,text\nnmi,1,\"x\n", 2)])
    func aCorpusSaysWhereItIsBroken(text: String, line: Int) {
        let error = #expect(throws: DeclineCorpus.Fault.self) { try DeclineCorpus(csv: Array(text.utf8)) }
        #expect(error?.line == line)
    }

    @Test func quotesHoldCommasAndLines() throws {
        let rows = try DeclineCorpus(csv: Array("source,code,text\r\nnmi,-,\"a, \"\"b\"\"\nc\"\r\n".utf8)).rows
        #expect(rows.count == 1 && rows[0].code.isEmpty && rows[0].text == "a, \"b\"\nc")
    }
}
