import DeclineRecovery

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
    private static let isDumb = variable("TERM") == "dumb"
    /// By https://no-color.org, and by what the terminal can do.
    private static let isColoured = isOutput && !isDumb && (variable("NO_COLOR") ?? "").isEmpty
    private static let isMoving = isError && !isDumb

    /// Who the process belongs to, by the system's list of users.
    static var user: String? { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } }

    /// Columns of the screen; `nil` where nobody looks.
    private static func width(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    enum Colour: String {
        case green = "32"
        case red = "31"
        case yellow = "33"
        case dim = "2"
        case bold = "1"
    }

    static func paint(_ text: String, _ colour: Colour) -> String { isColoured ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text }

    static func show(_ line: String = "") { write(line + "\n", to: 1) }

    static func show(bytes line: [UInt8]) { show(String(decoding: line, as: UTF8.self)) }
    static func complain(_ line: String) { write(line + "\n", to: 2) }

    /// A line that the next one replaces; nothing where nobody looks.
    static func progress(_ line: String) {
        // A line that wraps would leave its rows behind.
        if isMoving { write("\r\u{1B}[K" + line.prefix(max((width(of: 2) ?? 80) - 1, 0)), to: 2) }
    }

    /// A bar that grows, and what it is about; nothing where nobody looks.
    static func progress(_ done: Int, of total: Int, _ what: String) {
        let filled = total > 0 ? min(30 * done / total, 30) : 0
        progress(
            "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
                + "] \(done)/\(total)  \(visible(what))")
    }

    /// Asks a person; `nil` at the end of input.
    static func ask(_ question: String) -> String? {
        write(question, to: 2)
        return readLine(strippingNewline: true)
    }

    static func endProgress() {
        if isMoving { write("\r\u{1B}[K", to: 2) }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // Who complains about complaints?
                if descriptor != 1 { return }
                // Nobody reads on, `| head` for example: quietly, with the status of those whom the signal ends.
                if errno == EPIPE { exit(128 + SIGPIPE) }
                let why = String(cString: strerror(errno))
                complain("Error: the output cannot be written: \(why). What was shown is not all.")
                exit(1)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Rows under their headings, each column as wide as its widest cell. Characters that would steer the terminal are shown as dots.
    ///
    /// - Parameter fits: cuts rows off where the screen ends.
    static func table(_ headings: [String], _ rows: [[String]], fits: Bool = false, colour: (Int) -> Colour? = { _ in nil }) {
        let room = fits ? width(of: 1) ?? .max : .max
        let rows = rows.map { $0.map(visible) }
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }.joined(separator: "  ")
                .trimmingEnd().cut(to: room)
        }
        show(paint(line(headings), .bold))
        for (index, row) in rows.enumerated() { show(colour(index).map { paint(line(row), $0) } ?? line(row)) }
    }

    static func visible(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.steersText ? "·" : $0 }))
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }

extension String {
    fileprivate func trimmingEnd() -> String { String(reversed().drop { $0 == " " }.reversed()) }
    fileprivate func cut(to room: Int) -> String { count > room ? prefix(room - 1) + "…" : self }
}
