extension Unicode.Scalar {
    /// Whether a character does something to the text around it instead of standing in it: moves a terminal's cursor, breaks a line, turns
    /// the direction of writing, or is not seen at all. Whoever wrote it wants to be read as saying something else.
    package var steersText: Bool {
        switch value {
        // C0 and C1, the separators of lines and paragraphs.
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        // Directions (Unicode Standard Annex 9): marks, embeddings, overrides, isolates.
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        // Not seen: blanks without width, interlinear notes, tags, and the deprecated controls of shaping.
        case 0x200B, 0x2060...0x2065, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }
}

extension String {
    /// With an escape in place of each character that steers: `\u{202E}`.
    ///
    /// - Parameter keepsControls: leaves the first thirty-two to whoever writes the text on, as JSON does.
    package func printable(keepsControls: Bool = false) -> String {
        guard unicodeScalars.contains(where: { $0.steersText && !(keepsControls && $0.value < 0x20) }) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.steersText, !(keepsControls && scalar.value < 0x20) {
                text.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
            } else {
                text.append(scalar)
            }
        }
        return String(text)
    }
}
