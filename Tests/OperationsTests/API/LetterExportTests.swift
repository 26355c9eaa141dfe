import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// The list as a file: what is filtered, all of it, and nothing that a spreadsheet would run.
@Suite struct LetterExportTests {
    private let world = OperatorWorld()

    private func export(_ query: [String: String]) async throws -> ConsoleResponse {
        await (try await world.console()).answer(
            ConsoleRequest(
                method: .get, path: ["letters", "export"], query: query, body: .object([]),
                person: ConsoleRequest.Person(name: "Ada", role: .viewer, isOpen: false)))
    }

    @Test func whatIsFilteredIsInTheFile() async throws {
        world.write([
            OperatorWorld.letter("ONE"), OperatorWorld.letter("TWO", .outcomeUnknown), OperatorWorld.letter("THREE", .outcomeUnknown),
        ])
        let all = try await export(["format": "json"]).body
        #expect(all["total"]?.int64 == 3 && all["letters"]?.array?.count == 3 && all["csv"] == nil)
        let csv = try await export(["format": "csv", "handling": "reconcile"]).body
        let lines = (csv["csv"]?.string ?? "").split(separator: "\r\n")
        #expect(csv["exported"]?.int64 == 2 && lines.count == 3 && lines[0].hasPrefix("letter,state,reason"))
        #expect(lines[1].contains("THREE") && lines[2].contains("TWO") && lines[2].contains("reconcile, never replay"))
        #expect(try await export(["format": "xlsx"]).status == 400)
        #expect(try await export(["format": "csv", "handling": "burn"]).status == 400)
    }

    /// The list says that it is of before; a file would not.
    @Test func noFileIsMadeWhileTheBrokerIsAway() async throws {
        world.write([OperatorWorld.letter("ONE")])
        let process = world.broker.process()
        let console = try await world.console(process)
        func ask(_ path: [String], _ query: [String: String] = [:]) async -> ConsoleResponse {
            await console.answer(
                ConsoleRequest(
                    method: .get, path: path, query: query, body: .object([]),
                    person: ConsoleRequest.Person(name: "Ada", role: .viewer, isOpen: false)))
        }
        #expect(await ask(["letters", "export"], ["format": "csv"]).status == 200)
        process.die()
        for format in ["csv", "json"] { #expect(await ask(["letters", "export"], ["format": format]).status == 503) }
        let list = await ask(["letters"])
        #expect(list.status == 200 && list.body["connected"] == .bool(false) && list.body["total"]?.int64 == 1)
    }

    @Test(arguments: ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
    func nothingIsAFormula(order: String) async throws {
        let letter = DeadLetter.sample(.unreadable, stage: .intake, merchant: "acme", order: order, at: 1)
        world.write([letter])
        let line = try #require(
            try await export(["format": "csv"]).body["csv"]?.string?.components(separatedBy: letter.id.description).last)
        #expect(line.contains("'" + order.prefix(1)), "\(line)")
        #expect(!line.contains(",\(order.prefix(2))") && !line.contains(",\"\(order.prefix(1))"), "\(line)")
    }
}

@Suite struct CSVTests {
    /// Read as a spreadsheet reads it, byte by byte, each cell is the text again.
    @Test(arguments: ["a\"b", "A\"\u{200D},=cmd", "A\"\u{301};x", "a;b", "\"", "plain", "a,b\r\n"])
    func aCellIsOneCell(text: String) {
        let cell = CSV.cell(text)
        guard cell.hasPrefix("\"") else {
            #expect(cell == text)
            return
        }
        var bytes = Array(cell.utf8)[1...]
        var read: [UInt8] = []
        var isOver = false
        while let byte = bytes.popFirst() {
            if byte != 0x22 {
                read.append(byte)
            } else if bytes.first == 0x22 {
                read.append(bytes.removeFirst())
            } else {
                isOver = true
                break
            }
        }
        #expect(isOver && bytes.isEmpty && read == Array(text.utf8))
    }
}

extension String {
    fileprivate func components(separatedBy text: String) -> [String] {
        split(separator: text, omittingEmptySubsequences: false).map(String.init)
    }
}
