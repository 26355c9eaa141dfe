#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What a command shows. Colours and moving lines are for terminals alone.
enum Terminal {
    static let isOutput = isatty(1) == 1
    static let isError = isatty(2) == 1
    static let isInput = isatty(0) == 1

    /// Columns of the screen; `nil` where nobody looks.
    static var width: Int? {
        guard isOutput else { return nil }
        var size = winsize()
        return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    enum Colour: String {
        case green = "32"
        case red = "31"
        case yellow = "33"
        case dim = "2"
        case bold = "1"
    }

    static func paint(_ text: String, _ colour: Colour) -> String { isOutput ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text }

    static func show(_ line: String = "") { write(line + "\n", to: 1) }
    static func complain(_ line: String) { write(line + "\n", to: 2) }

    /// A line that the next one replaces; nothing where nobody looks.
    static func progress(_ line: String) {
        if isError { write("\r\u{1B}[K" + line, to: 2) }
    }

    /// A bar that grows, and what it is about; nothing where nobody looks.
    static func progress(_ done: Int, of total: Int, _ what: String) {
        let filled = total > 0 ? min(30 * done / total, 30) : 0
        progress("[" + String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled) + "] \(done)/\(total)  \(visible(what).prefix(90))")
    }

    /// Asks a person; `nil` at the end of input.
    static func ask(_ question: String) -> String? {
        write(question, to: 2)
        return readLine(strippingNewline: true)
    }

    static func endProgress() {
        if isError { write("\r\u{1B}[K", to: 2) }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Rows under their headings, each column as wide as its widest cell. Control characters of whoever wrote a cell are shown as dots.
    static func table(_ headings: [String], _ rows: [[String]], colour: (Int) -> Colour? = { _ in nil }) {
        let rows = rows.map { $0.map(visible) }
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }.joined(separator: "  ").trimmingEnd()
        }
        show(paint(line(headings), .bold))
        for (index, row) in rows.enumerated() { show(colour(index).map { paint(line(row), $0) } ?? line(row)) }
    }

    static func visible(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "·" : $0 }))
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }

extension String {
    fileprivate func trimmingEnd() -> String { String(reversed().drop { $0 == " " }.reversed()) }
}
