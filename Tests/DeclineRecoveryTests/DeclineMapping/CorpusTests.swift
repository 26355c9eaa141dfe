@testable import DeclineRecovery
import Foundation
import Testing

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
        let floors = try JSONValue(parsing: Self.file("floors.json").span)
        let most = try #require(floors["atMostPercent"]?.object)
        for floor in most {
            let share = try #require(figures.all.first { $0.name == floor.name }?.share, "no figure \(floor.name)")
            let limit = try #require(floor.value.int64.map(Double.init) ?? Double(floor.value.numberText ?? ""))
            #expect(share.percent <= limit, "\(floor.name): \(share.count) of \(share.of), \(share.percent) %, more than \(limit) %")
        }
        #expect(most.count >= 5)
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

    @Test func aCorpusSaysWhereItIsBroken() {
        func fault(_ text: String) -> DeclineCorpus.Fault? {
            do throws(DeclineCorpus.Fault) {
                _ = try DeclineCorpus(csv: Array(text.utf8))
                return nil
            } catch { return error }
        }
        #expect(fault("")?.line == 1 && fault("a,b\n1,2\n")?.line == 1)
        #expect(fault("source,code,text\nnmi,1\n")?.line == 2)
        #expect(fault("source,code,text\nnmi,1,\"x\n")?.line == 2)
        #expect(fault("source,code,text\r\nnmi,-,\"a, \"\"b\"\"\nc\"\r\n") == nil)
    }
}

extension JSONValue {
    fileprivate var numberText: String? { if case .number(let text) = self { text } else { nil } }
}
