import TestSupport
import Testing

@testable import JSON

/// A document says of every value what the value itself would say.
@Suite struct JSONDocumentTests {
    @Test func aDocumentAndItsValueSayTheSame() throws {
        let text = #"""
            {"plain": "text", "with \u0022escapes\u0022": "a\nb", "caf\u00e9": 1, "whole": -42, "large": 92233720368547758080, "least": -9223372036854775808,
             "minus": -0, "exact": 1.0, "half": 0.5, "yes": true, "no": false, "nothing": null, "list": [1, [2, 3], {"deep": {"deeper": []}}, "x"],
             "empty": {}, "none": [], "": "no name"}
            """#
        let bytes = Array(text.utf8)
        let document = try JSONDocument(bytes)
        let value = try JSONValue(parsing: bytes.span)
        #expect(document.root.value == value)
        compare(document.root, value)
        #expect(document.root["caf\u{E9}"]?.int64 == 1)
        #expect(document.root["cafe\u{301}"] == nil, "another spelling is another name")
        #expect(document.root["least"]?.int64 == .min && document.root["large"]?.int64 == nil && document.root["minus"]?.int64 == nil)
        #expect(document.root["missing"] == nil && document.root["plain"]?["x"] == nil)
    }

    /// Eight bytes are looked at together: wherever among them the odd one stands, it is the one that is found.
    @Test func aTextEndsWhereItsFirstOddByteStands() {
        let odd: [UInt8] = [0x00, 0x1F, 0x22, 0x5C, 0x80, 0xC3, 0xFF]
        for length in 0...20 {
            for place in 0...length {
                for one in odd {
                    for other in odd + [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] {
                        var bytes = [UInt8](repeating: 0x7F, count: length)
                        if place < length { bytes[place] = one }
                        if place + 1 < length { bytes[place + 1] = other }
                        #expect(JSONText.endOfPlain(bytes.span, from: 0) == place)
                        if place > 0 { #expect(JSONText.endOfPlain(bytes.span, from: place) == place) }
                    }
                }
            }
        }
    }

    private func compare(_ node: JSONNode, _ value: JSONValue) {
        #expect(node.string == value.string && node.int64 == value.int64 && node.bool == value.bool && node.whole == value.whole)
        #expect(node.isNull == value.isNull && node.isObject == (value.object != nil) && node.isArray == (value.array != nil))
        #expect(node.count == value.array?.count ?? value.object?.count ?? 0)
        for (element, own) in zip(node.elements, value.array ?? []) { compare(element, own) }
        for member in value.object ?? [] {
            let found = node[member.name]
            #expect(found != nil, "\(member.name)")
            if let found { compare(found, member.value) }
        }
    }

    /// What stands between escapes is taken in runs: however long they are, and whatever stands beside them, the text is the same.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func aTextWithinATextIsReadAsItWasWritten(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "\"", "\\", "\n", "\u{1}", "a", "plain and long enough for a word", "\u{E9}", "\u{20AC}", "\u{1F600}", "/", "{\"a\":\"b\"}",
        ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            let node = try JSONDocument(JSONValue.string(text).bytes).root
            #expect(node.string == text && node.utf8 == Array(text.utf8))
        }
        #expect(try JSONDocument(Array(#""\u00e9\uD83D\ude00\/\b""#.utf8)).root.utf8 == Array("\u{E9}\u{1F600}/\u{8}".utf8))
        #expect(try JSONDocument(Array("1".utf8)).root.utf8 == nil)
    }

    @Test func everythingIsGoneThroughInItsOrderAsItStandsThere() throws {
        let document = try JSONDocument(Array(#"{"a": [1.5, "x\ty"], "\u0062": {"c": null}}"#.utf8))
        var seen: [String] = []
        let wentToTheEnd = document.goThrough { place, mark, written in
            seen.append("\(place) \(mark) \(String(decoding: written, as: UTF8.self))")
            return true
        }
        #expect(wentToTheEnd)
        #expect(
            seen == [
                "0 object ", "1 name(isEscaped: false) a", "2 list(count: 2) ", "3 number 1.5", #"4 text(isEscaped: true) x\ty"#,
                #"5 name(isEscaped: true) \u0062"#, "6 object ", "7 name(isEscaped: false) c", "8 word ",
            ])
        #expect(document.node(at: 6)["c"]?.isNull == true)
        var count = 0
        #expect(
            !document.goThrough { _, _, _ in
                count += 1
                return count < 3
            } && count == 3)
    }

    @Test(arguments: [#"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"\u0061":1,"a":2}"#, #"{"x":{"b":[],"b":0}}"#])
    func aNameTwiceIsRefusedHoweverItIsWritten(text: String) {
        #expect(throws: JSONError.self) { try JSONDocument(Array(text.utf8)) }
    }
}
