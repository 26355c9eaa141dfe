import JSON
import TestSupport
import Testing

private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8).span) }

private func pointer(_ text: String) throws -> JSONPointer { try #require(JSONPointer(text)) }

@Suite struct JSONPointerTests {
    static let names = #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#

    /// The examples of RFC 6901, section 5.
    @Test(arguments: [
        ("", names), ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
    ])
    func aPointerLeadsToItsPlaceAndIsWrittenAsItWasRead(text: String, value: String) throws {
        #expect(try json(Self.names)[pointer(text)] == json(value))
        #expect(try pointer(text).description == text)
    }

    @Test(arguments: [
        "/bar", "/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/-1", "/foo/1e0",
        "/foo/", "/foo/٣", "/foo/99999999999999999999", "/a~1b/x",
    ])
    func whereNothingStandsThereIsNothing(text: String) throws {
        #expect(try json(Self.names)[pointer(text)] == nil)
    }

    @Test(arguments: ["foo", "#/foo", " /foo", "/~", "/~2", "/a~", "/~/0", "/a~\u{301}0"])
    func whatIsNoPointerIsRefused(text: String) {
        #expect(JSONPointer(text) == nil)
    }

    @Test(
        arguments: [
            ("", []), ("/", [""]), ("//", ["", ""]), ("/~01", ["~1"]), ("/~10", ["/0"]), ("/\u{301}a/\r\n", ["\u{301}a", "\r\n"]),
            ("/~0\u{301}", ["~\u{301}"]),
        ] as [(String, [String])])
    func tokensAreReadByCodePoint(text: String, tokens: [String]) throws {
        #expect(try pointer(text) == JSONPointer(tokens: tokens))
        #expect(JSONPointer(tokens: tokens).description == text)
    }

    @Test func sixtyFourTokensAreThereAndOneMoreIsRefused() {
        #expect(JSONPointer(String(repeating: "/a", count: 64))?.tokens.count == 64)
        #expect(JSONPointer(String(repeating: "/a", count: 65)) == nil)
    }

    @Test func anotherSpellingOfANameIsAnotherName() throws {
        #expect(try pointer("/\u{E9}") != pointer("/e\u{301}"))
        #expect(try Set([pointer("/\u{E9}"), pointer("/e\u{301}"), pointer("/\u{E9}")]).count == 2)
        #expect(try json("{\"\u{E9}\":1}")[pointer("/e\u{301}")] == nil)
        let both = try json("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(both["\u{E9}"] == .integer(1) && both["e\u{301}"] == .integer(2), "the reader takes both, and each finds its own")
        #expect(try json("\"\u{E9}\"") != json("\"e\u{301}\"") && Set([JSONValue.string("\u{E9}"), .string("e\u{301}")]).count == 2)
    }
}

@Suite struct JSONPatchTests {
    private func fault(_ patch: String, _ document: String) throws -> JSONPatchError? {
        let (patch, document) = try (json(patch), json(document))
        do throws(JSONPatchError) {
            _ = try JSONPatch(patch).applied(to: document)
            return nil
        } catch {
            return error
        }
    }

    /// Document, patch, outcome: RFC 6902, appendix A, then the corners that it leaves out.
    @Test(arguments: [
        ("A.1", #"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#),
        ("A.2", #"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
        ("A.3", #"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
        ("A.4", #"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
        ("A.5", #"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo","foo":"bar"}"#),
        (
            "A.6", #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
            #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#
        ),
        (
            "A.7", #"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
            #"{"foo":["all","cows","eat","grass"]}"#
        ),
        (
            "A.8", #"{"baz":"qux","foo":["a",2,"c"]}"#,
            #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
            #"{"baz":"qux","foo":["a",2,"c"]}"#
        ),
        (
            "A.10", #"{"foo":"bar"}"#, #"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            #"{"foo":"bar","child":{"grandchild":{}}}"#
        ),
        ("A.11", #"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, #"{"foo":"bar","baz":"qux"}"#),
        ("A.14", #"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#, #"{"/":9,"~1":10}"#),
        ("A.16", #"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#, #"{"foo":["bar",["abc","def"]]}"#),

        ("no operations", "[1]", "[]", "[1]"),
        ("add over a member", #"{"a":1}"#, #"[{"op":"add","path":"/a","value":null}]"#, #"{"a":null}"#),
        ("add the root", #"{"a":1}"#, #"[{"op":"add","path":"","value":[1]}]"#, "[1]"),
        ("replace the root", #"{"a":1}"#, #"[{"op":"replace","path":"","value":2}]"#, "2"),
        ("test the root", "[1]", #"[{"op":"test","path":"","value":[1.0]}]"#, "[1]"),
        ("add at an array's end", "[1]", #"[{"op":"add","path":"/1","value":2}]"#, "[1,2]"),
        ("a digit name", #"{"0":1,"01":2,"-":3}"#, #"[{"op":"remove","path":"/01"},{"op":"remove","path":"/-"}]"#, #"{"0":1}"#),
        ("copy", #"{"a":[1]}"#, #"[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/-","value":2}]"#, #"{"a":[1],"b":[1,2]}"#),
        ("copy into itself", #"{"a":1}"#, #"[{"op":"copy","from":"","path":"/b"}]"#, #"{"a":1,"b":{"a":1}}"#),
        ("copy a child over the root", #"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":""}]"#, #"{"b":1}"#),
        ("move a child over the root", #"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":""}]"#, #"{"b":1}"#),
        ("move a child over its parent", #"{"a":{"b":{"c":1}}}"#, #"[{"op":"move","from":"/a/b","path":"/a"}]"#, #"{"a":{"c":1}}"#),
        (
            "move to the same place", #"{"a":[1,2]}"#, #"[{"op":"move","from":"/a/1","path":"/a/1"},{"op":"move","from":"","path":""}]"#,
            #"{"a":[1,2]}"#
        ),
        ("move beside a like name", #"{"a":1,"ab":{}}"#, #"[{"op":"move","from":"/a","path":"/ab/a"}]"#, #"{"ab":{"a":1}}"#),
        ("move to the end", "[1,2,3]", #"[{"op":"move","from":"/0","path":"/-"}]"#, "[2,3,1]"),
        ("an empty name", #"{"":{"":1}}"#, #"[{"op":"replace","path":"//","value":2}]"#, #"{"":{"":2}}"#),
    ])
    func aPatchDoesWhatTheRFCSays(name: String, document: String, patch: String, outcome: String) throws {
        let patch = try JSONPatch(json(patch))
        #expect(try patch.applied(to: json(document)).saysTheSame(as: json(outcome)))
        #expect(try JSONPatch(patch.json) == patch)
    }

    @Test func membersKeepTheirOrder() throws {
        let patch = try JSONPatch(
            json(#"[{"op":"replace","path":"/b","value":0},{"op":"add","path":"/d","value":4},{"op":"add","path":"/a","value":5}]"#))
        #expect(try patch.applied(to: json(#"{"c":3,"b":2,"a":1}"#)) == json(#"{"c":3,"b":0,"a":5,"d":4}"#))
    }

    /// Document, patch, fault, operation, path.
    @Test(
        arguments: [
            (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#, .testFailed, 0, "/baz"),  // A.9
            (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, .noSuchMember, 0, "/baz"),  // A.12
            (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":"10"}]"#, .testFailed, 0, "/~01"),  // A.15

            ("1", #"{"op":"remove","path":"/a"}"#, .notAnArray, nil, ""),
            ("1", #"[{"op":"test","path":"","value":1},"remove"]"#, .notAnObject, 1, "/1"),
            ("1", #"[{"path":"/a"}]"#, .missing, 0, "/0/op"),
            ("1", #"[{"op":"remove"}]"#, .missing, 0, "/0/path"),
            ("1", #"[{"op":"add","path":""}]"#, .missing, 0, "/0/value"),
            ("1", #"[{"op":"replace","path":""}]"#, .missing, 0, "/0/value"),
            ("1", #"[{"op":"test","path":""}]"#, .missing, 0, "/0/value"),
            ("1", #"[{"op":"move","path":"/a"}]"#, .missing, 0, "/0/from"),
            ("1", #"[{"op":"copy","from":"/a"}]"#, .missing, 0, "/0/path"),
            ("1", #"[{"op":7,"path":"/a"}]"#, .notAString, 0, "/0/op"),
            ("1", #"[{"op":"remove","path":null}]"#, .notAString, 0, "/0/path"),
            ("1", #"[{"op":"copy","from":["a"],"path":"/a"}]"#, .notAString, 0, "/0/from"),
            ("1", #"[{"op":"remove","path":"a"}]"#, .notAPointer, 0, "/0/path"),
            ("1", #"[{"op":"move","from":"/~2","path":"/a"}]"#, .notAPointer, 0, "/0/from"),
            ("1", "[{\"op\":\"remove\",\"path\":\"\(String(repeating: "/a", count: 65))\"}]", .notAPointer, 0, "/0/path"),
            ("1", #"[{"op":"merge","path":"/a"}]"#, .unknownOperation, 0, "/0/op"),
            ("1", #"[{"op":"Add","path":"/a","value":1}]"#, .unknownOperation, 0, "/0/op"),
            (
                "1", "[" + Array(repeating: "1", count: 1_001).joined(separator: ",") + "]", .tooManyOperations(count: 1_001, limit: 1_000),
                nil, ""
            ),

            (#"{"a":1}"#, #"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#, .noSuchMember, 1, "/a"),
            (#"{"a":1}"#, #"[{"op":"replace","path":"/b","value":1}]"#, .noSuchMember, 0, "/b"),
            (#"{"a":1}"#, #"[{"op":"test","path":"/b","value":null}]"#, .noSuchMember, 0, "/b"),
            (#"{"a":1}"#, #"[{"op":"copy","from":"/b/c","path":"/a"}]"#, .noSuchMember, 0, "/b"),
            (#"{"a":1}"#, #"[{"op":"move","from":"/b","path":"/b"}]"#, .noSuchMember, 0, "/b"),
            (#"{"a":{}}"#, #"[{"op":"move","from":"/a","path":"/b/c"}]"#, .noSuchMember, 0, "/b"),
            (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/2","value":1}]"#, .outOfBounds(count: 1), 0, "/a/2"),
            (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/1"}]"#, .outOfBounds(count: 1), 0, "/a/1"),
            (#"{"a":[1]}"#, #"[{"op":"move","from":"/a/0","path":"/a/1"}]"#, .outOfBounds(count: 0), 0, "/a/1"),
            (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/00","value":1}]"#, .notAnIndex, 0, "/a/00"),
            (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-1","value":1}]"#, .notAnIndex, 0, "/a/-1"),
            (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/x","value":1}]"#, .notAnIndex, 0, "/a/x"),
            (#"{"a":[1]}"#, #"[{"op":"replace","path":"/a/-","value":1}]"#, .notAnIndex, 0, "/a/-"),
            (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/-"}]"#, .notAnIndex, 0, "/a/-"),
            (#"{"a":[1]}"#, #"[{"op":"test","path":"/a/-","value":1}]"#, .notAnIndex, 0, "/a/-"),
            (#"{"a":[[]]}"#, #"[{"op":"add","path":"/a/-/0","value":1}]"#, .notAnIndex, 0, "/a/-"),
            (#"{"a":1}"#, #"[{"op":"add","path":"/a/b","value":1}]"#, .notAContainer, 0, "/a/b"),
            (#"{"a":"x"}"#, #"[{"op":"remove","path":"/a/0/b"}]"#, .notAContainer, 0, "/a/0"),
            ("1", #"[{"op":"remove","path":""}]"#, .rootStays, 0, ""),
            (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":"/a/b"}]"#, .moveIntoItself, 0, "/a/b"),
            (#"{"a":1}"#, #"[{"op":"move","from":"","path":"/b"}]"#, .moveIntoItself, 0, "/b"),
        ] as [(String, String, JSONPatchError.Fault, Int?, String)])
    func aFailureNamesItsPlace(document: String, patch: String, expected: JSONPatchError.Fault, operation: Int?, path: String) throws {
        let error = try #require(try fault(patch, document))
        #expect(error == JSONPatchError(expected, operation: operation, at: try pointer(path)))
        #expect(error.description.contains(path.isEmpty ? "the root" : path))
        #expect(!error.advice.isEmpty)
    }

    /// A.13: which of two operations is meant cannot be told, and the reader does not get as far.
    @Test func anOperationNamedTwiceIsNoJSON() {
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: Array(#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#.utf8).span)
        }
    }

    @Test func anErrorTellsPathsAndNoValues() throws {
        let document = #"{"card":{"number":"4111111111111111"},"list":["4111111111111111"]}"#
        for patch in [
            #"[{"op":"test","path":"/card/number","value":"5555555555554444"}]"#,
            #"[{"op":"add","path":"/card/number/x","value":"5555555555554444"}]"#,
            #"[{"op":"5555555555554444","path":""}]"#, #"[{"op":"add","path":"5555555555554444","value":1}]"#, #"["5555555555554444"]"#,
            #"[{"op":"replace","path":"/list/1","value":"5555555555554444"}]"#,
        ] {
            let error = try #require(try fault(patch, document))
            for text in [error.description, error.advice] { #expect(!text.contains("4111") && !text.contains("5555")) }
        }
        #expect(
            try fault(#"[{"op":"remove","path":"/list/1"}]"#, document)?.description
                == "operation 0 of the JSON Patch fails at /list/1: expected an index within the array, whose length is 1")
    }

    /// What the patch says is in the document; what the document has.
    @Test(arguments: [
        ("1", "1.0", true), ("1", "1e0", true), ("1", "10e-1", true), ("100", "1E+2", true), ("0.10", "1e-1", true), ("0", "-0.0", true),
        ("0", "0e999", true), ("0", "0e99999999999999999999", true), ("-1", "-1.000", true),
        ("123456789012345678901234567890", "1234567890123456789012345678.90e2", true),
        ("1e99999999999999999999", "1e99999999999999999999", true),
        ("1e9223372036854775807", "10e9223372036854775806", true),
        ("1", "-1", false), ("1", "1.0000000000000000000000001", false), ("9007199254740993", "9007199254740992.0", false),
        ("1", "10", false),
        ("1", "true", false), ("0", "false", false), ("0", "null", false), ("1", "\"1\"", false),
        ("1e9223372036854775807", "1e99999999999999999999", false), (#"{"a":1,"b":[1,2]}"#, #"{"b":[1.0,2],"a":1e0}"#, true),
        (#"{"a":1}"#, #"{"a":1,"b":null}"#, false), (#"{"a":1}"#, #"{"b":1}"#, false),
        ("[1,2]", "[2,1]", false), ("[1]", "[1,1]", false), ("[]", "{}", false), ("\"a\"", "\"A\"", false), ("\"\\u0061\"", "\"a\"", true),
        ("\"\u{E9}\"", "\"e\u{301}\"", false), ("{\"\u{E9}\":1}", "{\"e\u{301}\":1}", false),
    ])
    func testComparesByWhatIsSaid(one: String, other: String, same: Bool) throws {
        for (one, other) in try [(json(one), json(other)), (json(other), json(one))] {
            #expect(one.saysTheSame(as: other) == same)
            #expect(((try? JSONPatch([.test(JSONPointer(tokens: []), one)]).applied(to: other)) != nil) == same)
            #expect(JSONPatch.between(one, other).operations.isEmpty == same)
        }
    }

    @Test func aPatchMadeByHandKeepsTheLimitsToo() throws {
        let root = JSONPointer(tokens: [])
        let deep = JSONPointer(tokens: Array(repeating: "a", count: 65))
        func fault(_ operations: [JSONPatch.Operation], _ document: JSONValue = .object([])) -> JSONPatchError? {
            do throws(JSONPatchError) {
                _ = try JSONPatch(operations).applied(to: document)
                return nil
            } catch {
                return error
            }
        }
        #expect(fault(Array(repeating: .test(root, .object([])), count: 1_000)) == nil)
        #expect(fault(Array(repeating: .test(root, .object([])), count: 1_001))?.fault == .tooManyOperations(count: 1_001, limit: 1_000))
        for operation: JSONPatch.Operation in [
            .add(deep, .null), .remove(deep), .replace(deep, .null), .test(deep, .null), .move(from: deep, to: root),
            .copy(from: root, to: deep),
        ] {
            #expect(fault([operation]) == JSONPatchError(.tooManyTokens(limit: 64), operation: 0, at: deep))
        }

        // Each copy of the document into itself nests it once more.
        let inside = JSONPointer(tokens: ["a"])
        #expect(fault(Array(repeating: .copy(from: root, to: inside), count: 63)) == nil)
        #expect(
            fault(Array(repeating: .copy(from: root, to: inside), count: 64))
                == JSONPatchError(.tooDeep(limit: 64), operation: 63, at: inside))
        // And beside itself doubles it.
        let doubling = (0..<40).map { JSONPatch.Operation.copy(from: JSONPointer(tokens: ["a"]), to: JSONPointer(tokens: ["a", "\($0)"])) }
        guard case .tooMuchCopied? = fault(doubling, try json(#"{"a":{"text":"0123456789"}}"#))?.fault else {
            Issue.record("forty doublings were not refused")
            return
        }
    }

    @Test func aFailingPatchChangesNothing() throws {
        let before = try json(#"{"a":[1,2],"b":{"c":3}}"#)
        var document = before
        let patch = try JSONPatch(
            json(
                """
                [{"op":"remove","path":"/a/0"},{"op":"add","path":"/b/d","value":4},{"op":"move","from":"/b","path":"/e"},
                {"op":"test","path":"/e/c","value":5}]
                """))
        #expect(throws: JSONPatchError(.testFailed, operation: 3, at: try pointer("/e/c"))) { document = try patch.applied(to: document) }
        #expect(document == before)
    }
}

@Suite struct JSONDifferenceTests {
    /// Before, after, the patch between them.
    @Test(arguments: [
        (#"{"a":1,"b":[1,{"c":2}]}"#, #"{"b":[1.0,{"c":2e0}],"a":1}"#, "[]"),
        ("1", "2", #"[{"op":"replace","path":"","value":2}]"#),
        ("[]", "{}", #"[{"op":"replace","path":"","value":{}}]"#),
        (#"{"a":{"b":1,"c":2}}"#, #"{"a":{"b":1,"c":3}}"#, #"[{"op":"replace","path":"/a/c","value":3}]"#),
        (#"{"a":1}"#, #"{"a":1,"b":{"c":[2]}}"#, #"[{"op":"add","path":"/b","value":{"c":[2]}}]"#),
        (#"{"a":{"x":1,"y":2},"b":1}"#, #"{"b":null}"#, #"[{"op":"remove","path":"/a"},{"op":"replace","path":"/b","value":null}]"#),
        ("[1,2,3]", "[1,9,2,3]", #"[{"op":"add","path":"/1","value":9}]"#),
        ("[1,2,3,4]", "[1,4]", #"[{"op":"remove","path":"/2"},{"op":"remove","path":"/1"}]"#),
        ("[1,2]", "[1,2,3,4]", #"[{"op":"add","path":"/2","value":3},{"op":"add","path":"/3","value":4}]"#),
        ("[1,1,1]", "[1,1]", #"[{"op":"remove","path":"/2"}]"#),
        (#"[0,{"a":1},0]"#, #"[0,{"a":2},0]"#, #"[{"op":"replace","path":"/1/a","value":2}]"#),
        (#"{"a/b":{"~":1}}"#, #"{"a/b":{"~":2}}"#, #"[{"op":"replace","path":"/a~1b/~0","value":2}]"#),
        (#"{"\u00e9":1}"#, #"{"e\u0301":1}"#, #"[{"op":"remove","path":"/\u00e9"},{"op":"add","path":"/e\u0301","value":1}]"#),
    ])
    func thePatchBetweenIsSmall(before: String, after: String, patch: String) throws {
        let made = JSONPatch.between(try json(before), try json(after))
        #expect(made.json == (try json(patch)))
        #expect(try made.applied(to: json(before)).saysTheSame(as: json(after)))
    }

    @Test func aPersonReadsOneLineForEachPlace() throws {
        let before = try json(#"{"order":{"id":"o-1","amount":100},"attempts":[1,2,3],"note":"x"}"#)
        let after = try json(#"{"attempts":[1,3],"order":{"amount":120,"id":"o-1"},"result":{"state":"won","by":[]}}"#)
        #expect(
            try JSONDifference.between(before, after) == [
                JSONDifference(pointer("/order/amount"), .changed(.integer(100), .integer(120))),
                JSONDifference(pointer("/attempts/1"), .removed(.integer(2))),
                JSONDifference(pointer("/note"), .removed(.string("x"))),
                JSONDifference(pointer("/result"), .added(json(#"{"state":"won","by":[]}"#))),
            ])
    }

    @Test func tooManyDifferencesBecomeOneReplacement() throws {
        let before = JSONValue.array((0..<1_001).map { .integer($0) })
        let after = JSONValue.array((0..<1_001).map { .integer(-1 - $0) })
        #expect(JSONPatch.between(before, after).operations == [.replace(JSONPointer(tokens: []), after)])
        #expect(JSONDifference.between(before, after).count == 1_001)
    }

    @Test func whatLiesDeeperThanAPointerReachesIsReplacedAbove() throws {
        func nested(_ innermost: JSONValue) -> JSONValue {
            (0..<80).reduce(innermost) { value, _ in .object([JSONValue.Member("a", value)]) }
        }
        let patch = JSONPatch.between(nested(.integer(1)), nested(.integer(2)))
        #expect(patch.operations.count == 1)
        #expect(try patch.applied(to: nested(.integer(1))) == nested(.integer(2)))
    }

    @Test func largeObjectsDifferLikeSmallOnes() throws {
        let names = (0..<200).map { "n\($0)" }
        let before = JSONValue.object(names.map { JSONValue.Member($0, .string($0)) })
        let after = JSONValue.object(
            names.reversed().filter { $0 != "n7" }.map { JSONValue.Member($0, .string($0 == "n9" ? "other" : $0)) })
        #expect(try JSONPatch.between(before, after).operations == [.remove(pointer("/n7")), .replace(pointer("/n9"), .string("other"))])
        #expect(before.saysTheSame(as: .object(names.reversed().map { JSONValue.Member($0, .string($0)) })))
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func thePatchBetweenAnyTwoValuesMakesTheSecondOfTheFirst(seed: UInt64) throws {
        var random = AnyJSON(seed: seed)
        for _ in 0..<50 {
            let before = random.value(depth: 4)
            let after = Bool.random(using: &random.numbers) ? random.value(depth: 4) : random.edited(before)
            let patch = JSONPatch.between(before, after)
            let made = try patch.applied(to: before)
            #expect(plain(made).bytes == plain(after).bytes)
            #expect(made.saysTheSame(as: after))
            #expect(patch.operations.isEmpty == (plain(before).bytes == plain(after).bytes))
            #expect(JSONDifference.between(before, after).count == patch.operations.count)

            let written = patch.json.bytes
            #expect(try JSONPatch(JSONValue(parsing: written.span)) == patch)
            #expect(JSONPatch.between(before, random.shuffled(before)).operations.isEmpty)

            // Every failure leaves the document as it was, however much went well before.
            var document = before
            let failing = JSONPatch(patch.operations + [.test(JSONPointer(tokens: []), .string("never generated"))])
            #expect(throws: JSONPatchError(.testFailed, operation: patch.operations.count, at: JSONPointer(tokens: []))) {
                document = try failing.applied(to: document)
            }
            #expect(document.bytes == before.bytes)
        }
    }

    @Test func whatStandsAtEveryDifferenceIsWhatItSays() {
        var random = AnyJSON(seed: 7)
        for _ in 0..<500 {
            let before = random.value(depth: 4)
            let after = random.edited(before)
            for difference in JSONDifference.between(before, after) {
                switch difference.change {
                case .added(let value): #expect(after[difference.path] == value)
                case .removed(let value): #expect(before[difference.path] == value)
                case .changed(let old, let new): #expect(before[difference.path] == old && after[difference.path] == new)
                }
            }
        }
    }

    @Test func anyPatchOnAnyValueEndsInAValueOrAnErrorAndNeverInACrash() {
        var random = AnyJSON(seed: 3)
        var applied = 0
        for _ in 0..<3_000 {
            let patch = JSONPatch((0..<Int.random(in: 1...4, using: &random.numbers)).map { _ in random.operation() })
            #expect((try? JSONPatch(patch.json)) == patch)
            guard let made = try? patch.applied(to: random.value(depth: 3)) else { continue }
            applied += 1
            // What was made can be read again: no name came twice.
            let bytes = made.bytes
            #expect((try? JSONValue(parsing: bytes.span)) == made)
        }
        #expect(applied > 100)
    }
}

/// The same said in one way: names sorted, the few numbers that `AnyJSON` writes in more than one way written in one. Knows nothing of the product.
private func plain(_ value: JSONValue) -> JSONValue {
    switch value {
    case .number("1.0"), .number("10e-1"): .integer(1)
    case .number("2.50"): .number("2.5")
    case .array(let elements): .array(elements.map(plain))
    case .object(let members):
        .object(
            members.map { JSONValue.Member($0.name, plain($0.value)) }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    default: value
    }
}

/// Random values from so few words that two of them often have something in common.
private struct AnyJSON {
    var numbers: SeededRandom

    init(seed: UInt64) {
        numbers = SeededRandom(seed: seed)
    }

    private static let names = ["", "a", "b", "0", "1", "-", "a/b", "~", "~1", "\u{E9}", "e\u{301}", "long name"]
    private static let scalars: [JSONValue] = [
        .null, .bool(true), .bool(false), .integer(0), .integer(1), .number("1.0"), .number("10e-1"), .number("2.50"), .number("2.5"),
        .string(""),
        .string("1"), .string("\u{E9}"), .string("e\u{301}"),
    ]

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: 0..<elements.count, using: &numbers)] }

    mutating func value(depth: Int) -> JSONValue {
        switch depth == 0 ? 0 : Int.random(in: 0..<5, using: &numbers) {
        case 1, 2: return .array((0..<Int.random(in: 0...4, using: &numbers)).map { _ in value(depth: depth - 1) })
        case 3, 4:
            var members: [JSONValue.Member] = []
            for _ in 0..<Int.random(in: 0...4, using: &numbers) {
                let name = pick(Self.names)
                if !members.contains(where: { $0.name == name }) { members.append(JSONValue.Member(name, value(depth: depth - 1))) }
            }
            return .object(members)
        default: return pick(Self.scalars)
        }
    }

    /// The value with a few things in it changed, the way people change things.
    mutating func edited(_ value: JSONValue) -> JSONValue {
        if Int.random(in: 0..<8, using: &numbers) == 0 { return self.value(depth: 2) }
        switch value {
        case .array(var elements):
            switch Int.random(in: 0..<3, using: &numbers) {
            case 0: elements.insert(self.value(depth: 1), at: Int.random(in: 0...elements.count, using: &numbers))
            case 1 where !elements.isEmpty: elements.remove(at: Int.random(in: 0..<elements.count, using: &numbers))
            default: if let index = elements.indices.randomElement(using: &numbers) { elements[index] = edited(elements[index]) }
            }
            return .array(elements)
        case .object(var members):
            if Bool.random(using: &numbers), let index = members.indices.randomElement(using: &numbers) {
                members[index] = JSONValue.Member(members[index].name, edited(members[index].value))
            } else if Bool.random(using: &numbers), !members.isEmpty {
                members.remove(at: Int.random(in: 0..<members.count, using: &numbers))
            }
            let name = pick(Self.names)
            if !members.contains(where: { $0.name == name }) { members.append(JSONValue.Member(name, self.value(depth: 1))) }
            return .object(members)
        default: return Bool.random(using: &numbers) ? value : pick(Self.scalars)
        }
    }

    mutating func shuffled(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): return .array(elements.map { shuffled($0) })
        case .object(let members):
            return .object(members.map { JSONValue.Member($0.name, shuffled($0.value)) }.shuffled(using: &numbers))
        default: return value
        }
    }

    private mutating func pointer() -> JSONPointer {
        JSONPointer(tokens: (0..<Int.random(in: 0...2, using: &numbers)).map { _ in pick(Self.names) })
    }

    mutating func operation() -> JSONPatch.Operation {
        switch Int.random(in: 0..<6, using: &numbers) {
        case 0: .remove(pointer())
        case 1: .replace(pointer(), value(depth: 2))
        case 2: .move(from: pointer(), to: pointer())
        case 3: .copy(from: pointer(), to: pointer())
        case 4: .test(pointer(), value(depth: 1))
        default: .add(pointer(), value(depth: 2))
        }
    }
}
