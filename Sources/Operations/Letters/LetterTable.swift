import DeclineRecovery

/// Letters as a table for a spreadsheet: what the list shows, a line each.
enum LetterTable {
    /// As many as a spreadsheet and a browser take well.
    static let most = 20_000

    static func csv(_ letters: some Sequence<LetterSummary>) -> String {
        let heading = [
            "letter", "state", "reason", "stage", "merchant", "order", "recovery_reference", "gateway", "first_utc", "last_utc", "seen",
            "attempts", "to_do", "outcome", "explanation",
        ]
        var text = CSV.line(heading)
        for letter in letters {
            text += CSV.line([
                letter.id.description, letter.state.rawValue, letter.reason.rawValue, letter.stage.rawValue, letter.merchantID?.text ?? "",
                letter.orderID ?? "", letter.reference?.text ?? "", letter.gatewayID?.text ?? "", letter.firstAt.rfc3339,
                letter.lastAt.rfc3339, String(letter.occurrences), String(letter.attempts), letter.toDo ?? "",
                letter.resolution?.text ?? "", letter.explanation,
            ])
        }
        return text
    }
}

/// RFC 4180, for spreadsheets that run what looks like a formula.
enum CSV {
    static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// A word of somebody else's as a cell. What a spreadsheet would take for a formula is marked as text.
    static func cell(_ word: String) -> String {
        let isFormula = word.utf8.first.map { [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0A, 0x0D].contains($0) } ?? false
        let text = (isFormula ? "'" : "") + word
        let isPlain = !text.utf8.contains { [0x22, 0x2C, 0x3B, 0x0A, 0x0D].contains($0) }
        // Scalar by scalar: with a mark behind it a quotation mark is another character, and ends the cell all the same.
        return isPlain
            ? text : "\"" + String(String.UnicodeScalarView(text.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] })) + "\""
    }
}
