import Testing

@testable import FlexFactor

@Suite struct TraceStateTests {
    @Test(arguments: [
        "congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1, b=2 ,c=3", "fw529a3039@dt=FfffffffC", "0a/b*c-d_e=x",
        "a=1,,b=2",
        "a=" + String(repeating: "v", count: 256), (1...32).map { "k\($0)=v" }.joined(separator: ","),
    ])
    func whatIsOfItsFormTravelsOn(text: String) { #expect(TraceState.isValid(text)) }

    @Test(arguments: [
        "", ",", "novalue", "a=", "=b", "A=1", "a=1,a=2", "a=b=c", "a=\u{e9}", "a=\u{7}", "a@b@c=1", "@a=1", "a b=1",
        "a=" + String(repeating: "v", count: 257), (1...33).map { "k\($0)=v" }.joined(separator: ","),
        "a=" + String(repeating: "v", count: 255) + ",b=" + String(repeating: "v", count: 255),
        // A card's number is nobody's trace.
        "a=4000002760003184",
    ])
    func whatIsNotIsLeftBehind(text: String) { #expect(!TraceState.isValid(text)) }
}
