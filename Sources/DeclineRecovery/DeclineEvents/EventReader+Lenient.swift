import JSON

/// Fields that decide nothing by their form, and never cost a sale: they are read as what they mean, cut, or left out with a note. Their
/// limits are in characters, as JSON Schema counts them.
extension EventReader {
    /// A text or a number as it is written; what is neither is left out.
    private func written(_ name: StaticString) -> String? {
        guard let member = member(name) else { return nil }
        if let text = member.string { return text }
        switch member.value {
        case .integer(let number): return String(number)
        case .number(let digits): return digits
        default:
            faults.note("\(path).\(name)", "left out: it is no text")
            return nil
        }
    }

    func cut(_ text: String, _ name: StaticString, to limit: Int) -> String {
        guard text.isLonger(than: limit) else { return text }
        faults.note("\(path).\(name)", "cut to \(limit) of its \(text.unicodeScalars.count) characters")
        var cut = Substring(text.unicodeScalars.prefix(limit))
        // Not amid a letter with its marks, or an emoji.
        if String.Index(cut.endIndex, within: text) == nil { cut.removeLast() }
        // Of longer digits a part may be a card's number, which the whole was not.
        func continues(_ character: Character) -> Bool { character.isNumber || character == " " || character == "-" || character == "." }
        if text[cut.endIndex...].first(where: { !" -.".contains($0) })?.isNumber == true {
            while let last = cut.last, continues(last) { cut.removeLast() }
        }
        return String(cut)
    }

    /// A text that is read for what it says. Empty reads as absent.
    func lenientText(_ name: StaticString, atMost limit: Int) -> String? {
        guard let text = written(name), text.utf8.contains(where: { $0 > 0x20 }) else { return nil }
        let kept = cut(text, name, to: limit)
        return kept.isEmpty ? nil : kept
    }

    /// A text that is only passed on: as it stands, though it be empty.
    ///
    /// - Parameter isWhole: a part of it would say something else, so what is too long is left out.
    func passedText(_ name: StaticString, atMost limit: Int = 256, isWhole: Bool = false) -> String? {
        guard let text = written(name) else { return nil }
        guard isWhole, text.isLonger(than: limit) else { return cut(text, name, to: limit) }
        let count = text.unicodeScalars.count
        faults.note("\(path).\(name)", "left out: it has \(count) characters, and at most \(limit) are passed on")
        return nil
    }

    func lenientCount(_ name: StaticString, _ range: ClosedRange<Int>) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = (member.whole ?? member.string.flatMap { Int64($0) }).flatMap(Int.init(exactly:)), range.contains(number) else {
            faults.note("\(path).\(name)", "left out: expected a whole number of \(range.lowerBound)...\(range.upperBound)")
            return nil
        }
        return number
    }

    /// An object that is left out where it is none: some programs write an empty one as a list. What is wrong in it is noted.
    func lenientObject(_ name: StaticString) -> EventReader? {
        guard let member = member(name) else { return nil }
        guard member.isObject else {
            faults.note("\(path).\(name)", "left out: it is no object")
            return nil
        }
        return EventReader(member, place.member(name), faults, isLenient: true)
    }

    /// An object that is left out as a whole where it lacks what it must have.
    func lenientObject<Value>(_ name: StaticString, _ read: (EventReader) -> Value?) -> Value? {
        guard let object = lenientObject(name) else { return nil }
        let value = read(object)
        if value == nil { faults.note(object.path, "left out: it is not whole") }
        return value
    }

    /// What each object of a list is read as; at most so many of them.
    func lenientObjects<Value>(_ name: StaticString, atMost limit: Int, _ read: (EventReader) -> Value) -> [Value] {
        guard let member = member(name) else { return [] }
        guard member.isArray else {
            faults.note("\(path).\(name)", "left out: it is no list")
            return []
        }
        let list = place.member(name)
        var values: [Value] = []
        values.reserveCapacity(min(member.count, limit))
        for (index, element) in member.elements.enumerated() {
            if index == limit {
                faults.note(list.description, "cut to \(limit) of its \(member.count) elements")
                break
            }
            if element.isObject {
                values.append(read(EventReader(element, list.element(index), faults, isLenient: true)))
            } else {
                faults.note(list.element(index).description, "left out: it is no object")
            }
        }
        return values
    }

    /// A short code that may come with words: `4 AVS not supported for this card type` is 4. Words without a code are left out.
    func lenientCode(_ name: StaticString, atMost limit: Int) -> String? {
        guard let text = lenientText(name, atMost: 512), text.isLonger(than: limit) else { return lenientText(name, atMost: limit) }
        let code = text.utf8.drop { $0 <= 0x20 }.prefix { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
        let next = text.utf8[code.endIndex...].first { $0 > 0x20 }
        let isCode = code.count <= 2 || (next.map { $0 == 0x3A || $0 == 0x2D || $0 == 0x28 } ?? false) && code.count <= limit
        guard isCode, !code.isEmpty else {
            faults.note("\(path).\(name)", "left out: expected a code of at most \(limit) characters")
            return nil
        }
        faults.note("\(path).\(name)", "read as its code alone")
        return String(Substring(code))
    }

    /// One of a few words; another is left out with a note.
    ///
    /// - Parameter what: what is said of another.
    func lenientWord<Value>(_ name: StaticString, _ what: String = "none of the words known here", _ parse: (String) -> Value?) -> Value? {
        guard let text = lenientText(name, atMost: 64) else { return nil }
        let value = parse(text)
        if value == nil { faults.note("\(path).\(name)", "left out: it is \(what)") }
        return value
    }
}

extension String {
    /// Whether it has more code points. Nearly every text has too few bytes for it.
    fileprivate func isLonger(than limit: Int) -> Bool { utf8.count > limit && unicodeScalars.count > limit }
}
