import TestSupport
import Testing

@testable import JSON

/// The cases of the published JSON test corpora (RFC 8259): what must be taken, what must be refused.
@Suite struct JSONCorpusTests {
    private func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: bytes.span, limits: limits)
    }

    @Test(arguments: [
        "[[]   ]", "[\"\"]", "[]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[null]", "[1\n]", " [1]", "[1,null,null,null,2]", "[2] ",
        "[123e65]", "[0e+1]", "[0e1]", "[ 4]", "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
        "[20e1]", "[-0]",
        "[-123]", "[-1]", "[123.456e78]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[1e-2]", "[1e+2]", "[123]", "[123.456789]",
        "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{}", "{\"\":0}", "{\"foo\\u0000bar\": 42}", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }",
        "{\"a\":[]}", "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}", "[\"\\u0060\\u012a\\u12AB\"]",
        "[\"\\uD801\\udc37\"]", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]",
        "[\"\\\\n\"]",
        "[\"\\u0012\"]", "[\"\\uFFFF\"]", "[\"asd\"]", "[ \"asd\"]", "[\"\\uDBFF\\uDFFF\"]", "[\"new\\u00A0line\"]", "[\"\u{10FFFF}\"]",
        "[\"\u{FFFF}\"]",
        "[\"\\u0000\"]", "[\"\\u002c\"]", "[\"π\"]", "[\"\u{1BFFF}\"]", "\" \"", "[\"\\uD834\\uDd1e\"]", "[\"\\u0821\"]", "[\"\\u0123\"]",
        "[\"\u{2028}\"]",
        "[\"\u{2029}\"]", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]", "[\"new\\u000Aline\"]", "[\"\u{7F}\"]", "[\"\\uA66D\"]", "[\"⍂㈴⍂\"]",
        "[\"\\u005C\"]",
        "[\"\\u0022\"]", "[\"\\u200B\"]", "[\"\\u2064\"]", "[\"\\uFDD0\"]", "[\"\\uFFFE\"]", "[\"€𝄞\"]", "[\"aa\"]", "false", "42", "-0.1",
        "null",
        "\"asd\"", "true", "\"\"", "[\"a\"]\n", "[true]", " [] ",
    ])
    func whatTheCorpusAcceptsIsTaken(text: String) throws {
        let value = try parse(Array(text.utf8))
        // What is written again says the same.
        #expect(try parse(value.bytes) == value)
    }

    @Test(arguments: [
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x", "[3[ 4]]", "[1:2]", "[,]",
        "[-]",
        "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[1,,]", "[\"\u{0B}a\"\\f]", "[*]", "[\"\"", "[1,", "[1,\n1\n,1", "[{}", "[fals]",
        "[nul]", "[tru]",
        "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]", "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]",
        "[0E+]",
        "[0E]", "[0e+]", "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]", "[1 000.0]", "[1eE2]", "[2.e+3]", "[2.e-3]", "[2.e3]", "[9.e+]", "[Inf]",
        "[NaN]",
        "[１]", "[1+2]", "[0x1]", "[0x42]", "[Infinity]", "[-123.123foo]", "[-Infinity]", "[-foo]", "[- 1]", "[-012]", "[-.123]", "[-1x]",
        "[1ea]",
        "[1.]", "[.123]", "[1.2a-3]", "[1.8011670033376514H-308]", "[012]", "{,\"x\":1}", "{\"x\"::\"b\"}", "{💩}", "{\"a\":\"a\" 123}",
        "{key: 'value'}",
        "{[: \"x\"}", "{\"a\" b}", "{:\"b\"}", "{\"a\" \"b\"}", "{\"a\":", "{\"a\"", "{1:1}", "{9999E9999:1}", "{null:null,null:null}",
        "{\"id\":0,,,,,}",
        "{'a':0}", "{\"id\":0,}", "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}/**//", "{\"a\":\"b\"}//", "{\"a\":\"b\",,\"c\":\"d\"}", "{a: \"b\"}",
        "{\"a\":\"a",
        "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":\"b\"}#", " ", "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]", "[\"\\uD800\\u1\"]",
        "[\"\\uD800\\u1x\"]", "[é]",
        "[\"\\\u{0}\"]", "[\"\\x00\"]", "[\"\\\\\\\"]", "[\"\\\t\"]", "[\"\\🌀\"]", "[\"\\\"]", "[\"\\u00A\"]", "[\"\\uD834\\uDd\"]",
        "[\"\\a\"]",
        "[\"\\uqqqq\"]", "[\\u0020\"asd\"]", "[\\n]", "\"", "['single quote']", "abc", "[\"\\", "[\"a\u{0}a\"]", "[\"new\nline\"]",
        "[\"\t\"]",
        "\"\\UA66D\"", "\"\"x", "<.>", "[<null>]", "[1]x", "[1]]", "[\"asd]", "aå", "[True]", "1]", "{\"x\": true,", "[][]", "]", "{\"\":",
        "å", "[",
        "{}}", "{\"\":{}}}", "{\"a\": true} \"x\"", "[\u{C}]", "[\u{2060}]", "\u{FEFF}[]", "[\"\\uD800\"]", "[\"\\uDC00\"]",
        "[\"\\uDd1e\\uD834\"]",
        "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
    ])
    func whatTheCorpusRefusesIsRefused(text: String) {
        #expect(throws: JSONError.self) { try parse(Array(text.utf8)) }
    }

    @Test(
        arguments: [
            [0x22, 0xC3, 0x28, 0x22], [0x22, 0xA0, 0x22], [0x22, 0xE2, 0x28, 0xA1, 0x22], [0x22, 0xF0, 0x28, 0x8C, 0xBC, 0x22],
            [0x22, 0xC0, 0xAF, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0xBF, 0xBF, 0xBF, 0x22], [0x22, 0xFF, 0x22], [0x22, 0xE2, 0x82], [0xFE, 0xFF],
            [0x22, 0xE0, 0x80, 0x80, 0x22], [0x22, 0xF8, 0x88, 0x80, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func whatIsNotUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try parse(bytes) }
    }

    @Test func numbersAreExact() throws {
        #expect(try parse(Array("9223372036854775807".utf8)) == .integer(.max))
        #expect(try parse(Array("-9223372036854775808".utf8)) == .integer(.min))
        #expect(try parse(Array("9223372036854775808".utf8)) == .number("9223372036854775808"))
        #expect(try parse(Array("49.990".utf8)) == .number("49.990"))
        #expect(try parse(Array("1e2".utf8)) == .number("1e2"))
    }

    @Test func limitsAreKeptAndFaultsSayWhere() {
        func fault(_ text: String, _ limits: JSONLimits = JSONLimits(bytes: 64, depth: 4)) -> JSONError? {
            do throws(JSONError) {
                _ = try parse(Array(text.utf8), limits: limits)
                return nil
            } catch {
                return error
            }
        }
        #expect(fault("[[[[1]]]]") == nil)
        #expect(fault("[[[[[1]]]]]") == JSONError(.tooDeep(limit: 4), at: 4))
        #expect(fault(String(repeating: " ", count: 65)) == JSONError(.tooLarge(bytes: 65, limit: 64), at: 64))
        #expect(fault("{\"a\":1,\"a\":2}")?.fault == .duplicateName)
        #expect(fault("[1]]") == JSONError(.trailingBytes, at: 3))
        #expect(fault("")?.fault == .empty)
        // What stood there is not told: it may be a card.
        #expect(fault("[\"secret\" x]")?.description.contains("secret") == false)
    }

    private let tolerant = JSONLimits(bytes: 4_096, depth: 512, isTolerant: true)

    @Test(arguments: [
        ("\u{FEFF}[1]", "[1]"), (#"["\uD83D"]"#, "[\"\u{FFFD}\"]"), (#"["\uDE00x"]"#, "[\"\u{FFFD}x\"]"),
        (#"["\uD83D\uD83D\uDE00"]"#, "[\"\u{FFFD}😀\"]"), (#"["\uD83D\u0041"]"#, "[\"\u{FFFD}A\"]"), (#"["\uD83D\n"]"#, #"["\ufffd\n"]"#),
        (#"{"a":1,"b":2,"a":3}"#, #"{"a":1,"b":2,"a":3}"#), (#"{"\uD83D":1}"#, "{\"\u{FFFD}\":1}"),
    ])
    func whatOthersWriteIsReadTolerantly(text: String, meant: String) throws {
        #expect(throws: JSONError.self) { try parse(Array(text.utf8)) }
        #expect(try parse(Array(text.utf8), limits: tolerant) == parse(Array(meant.utf8), limits: tolerant))
    }

    @Test func deepTextsAreReadWhereTheyMayBeAndRubbishIsRubbishStill() throws {
        let deep = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(try parse(Array(deep.utf8), limits: tolerant).array != nil)
        for text in ["[\(deep)]", #"["\uD83D\uZZZZ"]"#, #"["\uD83D\u12"]"#, "\u{FEFF}\u{FEFF}1", "\u{FEFF}", #"["\uD83D]"#] {
            #expect(throws: JSONError.self) { try parse(Array(text.utf8), limits: tolerant) }
        }
    }

    @Test func aNameThatIsReadSaysOneThing() throws {
        func contradicts(_ text: String) throws -> Bool {
            let contradicts = try parse(Array(text.utf8), limits: tolerant).contradictsItself(in: ["status", "id"])
            #expect(try document(text).mayRepeatItself || !contradicts)
            return contradicts
        }
        #expect(try !contradicts(#"{"status":"A","x":1,"x":2,"status":"A","d":[{"id":1},{"id":2}]}"#))
        #expect(try contradicts(#"{"status":"A","status":"B"}"#))
        #expect(try contradicts(#"{"Status":1,"St\u0061tus":2}"#))
        #expect(try contradicts(#"{"d":[{"id":1,"id":2}]}"#))
    }

    private func document(_ text: String) throws -> JSONDocument { try JSONDocument(Array(text.utf8), limits: tolerant) }

    @Test func aDocumentSaysAtAGlanceThatNothingStandsInItTwice() throws {
        #expect(try !document(#"{"status":"A","d":[{"id":1},{"id":2}],"ids":{}}"#).mayRepeatItself)
        for text in [
            #"{"a":1,"a":1}"#, #"[{"a":[{"b":1,"c":2,"B":1}]}]"#, #"{"St\u0061tus":2}"#, #"{"é":1}"#,
            "{" + (0..<33).map { "\"\($0)\":1" }.joined(separator: ",") + "}",
        ] { #expect(try document(text).mayRepeatItself, "\(text)") }
    }

    @Test(arguments: [#"{"x":1,"status":"A"}"#, #"{"x":1,"STATUS":"A"}"#, #"{"Status":"A"}"#, #"{"St\u0061tus":"A"}"#])
    func aMemberIsFoundWhateverItsCase(text: String) throws {
        #expect(try document(text).root[anyCase: "status"]?.string == "A")
        #expect(try document(text).root[anyCase: "statu"] == nil)
    }

    @Test func anyBytesEndInAValueOrAnErrorAndNeverInACrash() {
        var random = SeededRandom(seed: 99)
        let pieces = ["{", "}", "[", "]", ",", ":", "\"", "\\u12", "\\", "1", "-", "e", ".", "true", "nul", " ", "é", "\u{0}"].map {
            Array($0.utf8)
        }
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                if Int.random(in: 0..<10, using: &random) == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                } else {
                    bytes += pieces.randomElement(using: &random)!
                }
            }
            if let value = try? parse(bytes) { #expect((try? parse(value.bytes)) == value) }
            if let value = try? parse(bytes, limits: tolerant) { #expect((try? parse(value.bytes, limits: tolerant)) == value) }
        }
    }
}
