import JSON
import Testing

/// The encodings that travel inside JSON's texts.
@Suite struct EncodingTests {
    @Test(arguments: [
        ("acme", "acme"), ("a%20b", "a b"), ("%C3%A9%c3%a9", "éé"), ("%2F", "/"), ("", ""),
        // Escapes that are none, and bytes that are no UTF-8: as a whole as it was.
        ("100%", "100%"), ("%20%", "%20%"), ("%2", "%2"), ("%zz%20", "%zz%20"), ("%FF", "%FF"),
    ])
    func percentEscapesAreUndoneAsAWholeOrNotAtAll(text: String, decoded: String) {
        #expect(text.percentDecoded == decoded)
    }

    @Test func whatIsNoEscapeMayStay() {
        #expect(Array("100%, %41".utf8).percentDecoded(keepingOthers: true) == Array("100%, A".utf8))
        #expect(Array("100%, %41".utf8).percentDecoded(keepingOthers: false) == nil)
    }

    /// The examples of RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64IsWrittenAndReadAsTheRFCShows(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    /// The last one has bits behind its end that no writer sets.
    @Test(arguments: ["Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zh=="])
    func onlyTheOneSpellingIsBase64(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: [("abc", true), ("bc", true), ("c", true), ("ac", false), ("abcd", false), ("B", false)])
    func aTextIsFoundInBytes(text: String, isThere: Bool) {
        #expect(Array("abc".utf8).contains(text: text) == isThere)
    }

    @Test func anObjectIsMadeWithoutItsAbsentMembers() {
        let value = JSONValue.object(of: [("a", .integer(1)), ("b", nil), ("c", .text(nil)), ("d", .text("é"))])
        #expect(value.bytes == Array(#"{"a":1,"d":"é"}"#.utf8))
        #expect(value.pretty == "{\n  \"a\": 1,\n  \"d\": \"é\"\n}")
    }
}
