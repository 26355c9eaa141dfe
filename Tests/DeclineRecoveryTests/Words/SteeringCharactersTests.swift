import DeclineRecovery
import Testing

/// Nothing that somebody wrote into an id moves a terminal's cursor or reads otherwise than it is.
@Suite struct SteeringCharactersTests {
    @Test(arguments: [
        "\u{1B}[2J", "a\u{202E}b", "\u{85}", "\u{9B}31m", "x\u{2028}y", "\u{2066}", "\u{FEFF}", "\u{E0041}", "\u{200B}", "\r",
    ])
    func whatSteersIsEscaped(text: String) {
        let shown = text.printable()
        #expect(shown != text && shown.contains("\\u{") && !shown.unicodeScalars.contains { $0.steersText })
        #expect(shown.printable() == shown)
    }

    @Test(arguments: ["", "plain", "Müller", "価格 – 5 €", "e\u{301}", "👩\u{200D}💻"])
    func whatIsTextStays(text: String) { #expect(text.printable() == text) }

    @Test func jsonWritesItsOwnControls() { #expect("a\nb\u{202E}".printable(keepsControls: true) == "a\nb\\u{202E}") }
}
