import JSON
import Testing

/// A yes or a no as other people's programs write it.
@Suite struct FlagTests {
    @Test(
        arguments: [
            ("true", true), ("false", false), (#""true""#, true), (#""False""#, false), (#"" TRUE ""#, true), ("1", true), ("0", false),
            (#""1""#, true), (#""0""#, false), ("null", nil), ("\"\"", nil), ("2", nil), ("-1", nil), (#""yes""#, nil), ("1.5", nil),
            ("[true]", nil), ("{}", nil), (#""truefalse""#, nil),
        ] as [(String, Bool?)])
    func aFlagIsReadHoweverItIsWritten(text: String, flag: Bool?) throws {
        let bytes = Array("{\"says\":\(text)}".utf8)
        let value = try JSONValue(parsing: bytes.span)
        let document = try JSONDocument(bytes)
        #expect(value["says"]?.flag == flag && document.root["says"]?.flag == flag)
    }
}
