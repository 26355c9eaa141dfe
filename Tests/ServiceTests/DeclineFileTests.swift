import DeclineRecovery
import Foundation
import TestSupport
import Testing

@testable import Service

/// Files of events as they are filled.
@Suite struct DeclineFileTests {
    private func fill(_ text: String) throws(DeclineFileError) -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "fill-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try? Data(#"{"id": "e", "list": [{"time": "\#(text)"}]}"#.utf8).write(to: file)
        var reader = DeclineFile()
        reader.placeholders = (.in2026(86_400), "RUN1")
        return String(decoding: try reader.read(file.path).first?.body ?? [], as: UTF8.self)
    }

    /// A file without an event is not what was meant, and what is no object is none.
    @Test(arguments: [("[]", "it holds no event"), ("", "it holds no event"), ("null", "no JSON object"), ("[{}, 1]", "no JSON object")])
    func aFileWithoutAnEventIsAFault(text: String, fault: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        #expect { try DeclineFile().read(file.path) } throws: { "\($0)".contains(fault) }
        var raw = DeclineFile()
        raw.isRaw = true
        #expect(try raw.read(file.path).count == 1)
    }

    /// `--raw` is of the command that publishes: another has no such thing.
    @Test func aCommandOffersWhatItHas() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        for (text, fault) in [("no JSON", "line 1 is not JSON"), ("1", "it is no JSON object, and so no event")] {
            try Data(text.utf8).write(to: file)
            #expect { try DeclineFile().read(file.path) } throws: { "\($0)".hasSuffix(": \(fault)") }
            var reader = DeclineFile()
            reader.wayOut = "; --raw does"
            let publishing = reader
            #expect { try publishing.read(file.path) } throws: { "\($0)".hasSuffix(": \(fault); --raw does") }
        }
    }

    @Test(arguments: [
        ("$NOW", "2026-01-02T00:00:00.000Z"), ("$NOW-90s", "2026-01-01T23:58:30.000Z"), ("$NOW-2h", "2026-01-01T22:00:00.000Z"),
        ("$NOW-1d", "2026-01-01T00:00:00.000Z"), ("a-$RUN", "a-RUN1"),
    ])
    func placeholdersAreFilled(text: String, filled: String) throws {
        let found = try fill(text)
        #expect(found.contains(#""\#(filled)""#), "\(found)")
    }

    @Test(arguments: [
        (#"{"a.json": {"class": "soft", "result": true}}"#, "a.json.result: expected a text"),
        (#"{"a.json": "approved"}"#, "a.json: expected an object"), ("[]", "expected a JSON object of expectations"),
    ])
    func anExpectationThatCannotBeReadIsAFault(text: String, words: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "expect-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        #expect { try Expectation.read(file.path) } throws: { "\($0)".contains(words) }
    }

    /// What cannot be reckoned with is said, and neither published as it stands nor the end of the process.
    @Test(arguments: ["$NOW-106751991168d", "$NOW-99999999999999999999d", "$NOW--5s", "$NOW-36526d", "$NOW-5w", "$NOW-", "$NOW+1h"])
    func aTimeThatIsNoneIsAFault(text: String) {
        #expect { try fill(text) } throws: { "\($0)".contains("'\(text)' is no time; expected $NOW") }
    }
}
