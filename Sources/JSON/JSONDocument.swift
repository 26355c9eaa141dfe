/// A JSON text that was read, with all its values at hand where they stand.
package final class JSONDocument: Sendable {
    fileprivate let bytes: [UInt8]
    fileprivate let index: JSONIndex

    package init(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        self.bytes = bytes
        index = try JSONReader.read(bytes.span, limits: limits)
    }

    package var root: JSONNode { JSONNode(document: self, place: 0) }

    /// Lends the text: a copy of the array would count a reference for each look.
    @inline(__always)
    private func withText<Result>(_ look: (Span<UInt8>) -> Result) -> Result { bytes.withUnsafeBufferPointer { look($0.span) } }

    @usableFromInline func member(_ name: UnsafeBufferPointer<UInt8>, of place: Int) -> Int? {
        withText { index.member(name, of: place, $0) }
    }

    fileprivate func member(anyCase name: String, of place: Int) -> Int? {
        withText { index.member(anyCase: name, of: place, $0) }
    }

    /// Whether an object in it may have a name twice, the case of ASCII letters ignored (`JSONValue.contradictsItself` says what that means).
    /// Cheaper than that, and sure where it says no.
    package var mayRepeatItself: Bool {
        withText { index.mayRepeatItself($0) }
    }

    @usableFromInline func text(at place: Int) -> String? {
        switch kind(at: place) {
        case .plain, .escaped, .name, .escapedName: break
        default: return nil
        }
        return withText { index.text(at: place, $0) }
    }

    fileprivate func says(_ wanted: String, at place: Int) -> Bool {
        withText { index.says(wanted, at: place, $0) }
    }

    fileprivate func utf8(at place: Int) -> [UInt8] {
        withText { index.bytes(at: place, $0) }
    }

    @usableFromInline func isNull(at place: Int) -> Bool { kind(at: place) == .null }

    fileprivate func kind(at place: Int) -> JSONIndex.Kind { index.entries[place].kind }

    fileprivate func next(after place: Int) -> Int { Int(index.entries[place].next) }

    fileprivate func count(at place: Int) -> Int {
        switch kind(at: place) {
        case .array, .object: Int(index.entries[place].start)
        default: 0
        }
    }

    @usableFromInline func integer(at place: Int) -> Int64? {
        withText { index.integer(at: place, $0) }
    }

    fileprivate func value(at place: Int) -> JSONValue {
        withText { index.value(at: place, $0) }
    }

    /// What stands at a place, for who goes through a text from its beginning to its end.
    package enum Mark {
        /// `null`, `true`, `false`.
        case word
        case number
        case text(isEscaped: Bool)
        /// Of the member whose value stands at the next place.
        case name(isEscaped: Bool)
        case list(count: Int)
        case object
    }

    /// Goes through the text as it stands there, escapes and all, until the look has seen enough.
    ///
    /// - Returns: whether it went to the end.
    package func goThrough(_ look: (_ place: Int, Mark, UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            index.entries.withUnsafeBufferPointer { entries in
                for place in entries.indices {
                    let entry = entries[place]
                    let mark: Mark =
                        switch entry.kind {
                        case .null, .true, .false: .word
                        case .whole, .number: .number
                        case .plain: .text(isEscaped: false)
                        case .escaped: .text(isEscaped: true)
                        case .name: .name(isEscaped: false)
                        case .escapedName: .name(isEscaped: true)
                        case .array: .list(count: Int(entry.start))
                        case .object: .object
                        }
                    let written = entry.end > 0 ? Int(entry.start)..<Int(entry.end) : 0..<0
                    if !look(place, mark, UnsafeBufferPointer(rebasing: bytes[written])) { return false }
                }
                return true
            }
        }
    }

    /// The value at a place.
    package func node(at place: Int) -> JSONNode { JSONNode(document: self, place: place) }
}

/// A value of a document: a place in it, so that looking around copies nothing.
package struct JSONNode: Sendable {
    @usableFromInline let document: JSONDocument
    package let place: Int

    @usableFromInline init(document: JSONDocument, place: Int) {
        self.document = document
        self.place = place
    }

    private var kind: JSONIndex.Kind { document.kind(at: place) }

    @inlinable package var isNull: Bool { document.isNull(at: place) }
    package var isObject: Bool { kind == .object }
    package var isArray: Bool { kind == .array }
    package var isText: Bool {
        switch kind {
        case .plain, .escaped: true
        default: false
        }
    }

    /// The member of an object; `nil` where there is none, and where this is no object.
    package subscript(_ name: String) -> JSONNode? { node(name.withBytes { document.member($0, of: place) }) }

    /// The same by a name that stands in the source, of which nothing need be kept.
    package subscript(_ name: StaticString) -> JSONNode? { node(name.withUTF8Buffer { document.member($0, of: place) }) }

    @inline(__always)
    private func node(_ place: Int?) -> JSONNode? { place.map { JSONNode(document: document, place: $0) } }

    /// A member by its name, ASCII case ignored: FlexFactor's own texts differ in it.
    package subscript(anyCase name: String) -> JSONNode? {
        self[name] ?? node(document.member(anyCase: name, of: place))
    }

    @inlinable package var string: String? { document.text(at: place) }

    /// Whether this is a string that says so, byte by byte. For whoever knows what it should say, and makes no text to see that it does.
    package func says(_ text: String) -> Bool { document.says(text, at: place) }

    /// A string's bytes, for whoever has no use for them as a text.
    package var utf8: [UInt8]? { isText ? document.utf8(at: place) : nil }

    @inlinable package var int64: Int64? { document.integer(at: place) }

    /// A whole number however it is written: 1.0 is 1.
    package var whole: Int64? {
        switch kind {
        case .whole, .number: int64 ?? value.whole
        default: nil
        }
    }

    package var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// How many elements a list has, or members an object.
    package var count: Int { document.count(at: place) }

    /// The elements of a list; none of anything else.
    package var elements: JSONElements { JSONElements(document: document, place: place + 1, left: isArray ? count : 0) }

    /// The first of a list's; `nil` where there is none, and of anything else.
    package var firstElement: JSONNode? {
        kind == .array && count > 0 ? JSONNode(document: document, place: place + 1) : nil
    }

    /// What this is with all that it holds, as a value of its own.
    package var value: JSONValue { document.value(at: place) }
}

/// The elements of a list, one after the other: a list of them would ask for memory.
package struct JSONElements: Sequence, IteratorProtocol {
    private let document: JSONDocument
    private var place: Int
    private var left: Int

    fileprivate init(document: JSONDocument, place: Int, left: Int) {
        self.document = document
        self.place = place
        self.left = left
    }

    package var underestimatedCount: Int { left }

    package mutating func next() -> JSONNode? {
        guard left > 0 else { return nil }
        let element = JSONNode(document: document, place: place)
        place = document.next(after: place)
        left -= 1
        return element
    }
}
