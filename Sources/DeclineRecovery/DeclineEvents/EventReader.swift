import JSON

/// An object of a message under validation. A value that is missing or not of its form adds a fault and reads as `nil`, so that reading
/// goes on and finds the other faults too. Faults say what was expected and never what stood there: that may be a person's data.
struct EventReader {
    private let value: JSONNode?
    private let place: FieldPath
    /// There is no such object: what it must hold is told as missing, so that nobody has to ask again.
    let isAbsent: Bool
    private let faults: FaultList

    /// The message itself.
    init(_ message: JSONNode, _ faults: FaultList) {
        self.init(message, .root, faults)
    }

    private init(_ value: JSONNode?, _ place: FieldPath, _ faults: FaultList) {
        self.value = value
        self.place = place
        self.faults = faults
        isAbsent = value == nil
    }

    var path: String { place.description }

    private func member(_ name: StaticString) -> JSONNode? {
        guard let member = value?[name], !member.isNull else { return nil }
        return member
    }

    private func missing(_ name: StaticString, _ expected: String) {
        faults.add("\(path).\(name)", "missing; expected \(expected)\(hint(at: name.description))")
    }

    /// A member that may have been meant: named alike but for case and marks, or a letter or two off.
    private func hint(at name: String) -> String {
        func plain(_ text: String) -> [UInt8] {
            text.utf8.compactMap { (0x61...0x7A).contains($0 | 0x20) ? $0 | 0x20 : (0x30...0x39).contains($0) ? $0 : nil }
        }
        let wanted = plain(name)
        let near = value?.value.object?.prefix(64).first { member in
            guard !member.value.isNull, (2...40).contains(member.name.utf8.count), !member.name.hasSameCodePoints(as: name) else {
                return false
            }
            if plain(member.name) == wanted { return true }
            return name.utf8.count > 5 && EditDistance.between(member.name.lowercased(), name.lowercased()) <= 2
        }
        guard let near, CardDataGuard.finding(in: near.name) == nil else { return "" }
        return "; is \(near.name) meant for it?"
    }

    private func wrong(_ name: StaticString, _ expected: String) {
        faults.add("\(path).\(name)", "expected \(expected)")
    }

    private func describe(_ length: ClosedRange<Int>) -> String { "a text of \(length.lowerBound)...\(length.upperBound) bytes" }

    func optionalText(_ name: StaticString, _ length: ClosedRange<Int> = 0...256) -> String? {
        member(name).flatMap { text(of: $0, name, length) }
    }

    /// Whether a member is a text that says so: nothing is told of one that is missing or says something else.
    func says(_ name: StaticString, _ text: String) -> Bool { member(name)?.says(text) ?? false }

    func text(_ name: StaticString, _ length: ClosedRange<Int> = 1...256) -> String? {
        guard let member = member(name) else {
            missing(name, describe(length))
            return nil
        }
        return text(of: member, name, length)
    }

    private func text(of member: JSONNode, _ name: StaticString, _ length: ClosedRange<Int>) -> String? {
        guard let text = member.string, length.contains(text.utf8.count) else {
            wrong(name, describe(length))
            return nil
        }
        return text
    }

    func optionalCount(_ name: StaticString, _ range: ClosedRange<Int>) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.whole.flatMap(Int.init(exactly:)), range.contains(number) else {
            wrong(name, "a whole number of \(range.lowerBound)...\(range.upperBound)")
            return nil
        }
        return number
    }

    func count(_ name: StaticString, _ range: ClosedRange<Int>) -> Int? {
        if member(name) == nil {
            missing(name, "a whole number of \(range.lowerBound)...\(range.upperBound)")
            return nil
        }
        return optionalCount(name, range)
    }

    func flag(_ name: StaticString) -> Bool {
        guard let member = member(name) else { return false }
        guard let flag = member.bool else {
            wrong(name, "true or false")
            return false
        }
        return flag
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: StaticString, _ type: Word.Type = Word.self
    ) -> Word? where Word.RawValue == String {
        func expected() -> String { "one of " + Word.allCases.map(\.rawValue).joined(separator: ", ") }
        guard let member = member(name) else {
            missing(name, expected())
            return nil
        }
        guard let word = member.string.flatMap(Word.init(rawValue:)) else {
            wrong(name, expected())
            return nil
        }
        return word
    }

    /// Reads a member with a form of its own.
    func parsed<Value>(_ name: StaticString, _ expected: String, isRequired: Bool = true, _ parse: (String) -> Value?) -> Value? {
        guard let member = member(name) else {
            if isRequired { missing(name, expected) }
            return nil
        }
        guard let value = member.string.flatMap(parse) else {
            wrong(name, expected)
            return nil
        }
        return value
    }

    func optionalObject(_ name: StaticString) -> EventReader? {
        guard let member = member(name) else { return nil }
        guard member.isObject else {
            wrong(name, "an object")
            return nil
        }
        return EventReader(member, place.member(name), faults)
    }

    /// - Parameter expected: what the object is to hold, where its members alone do not say it.
    func object(_ name: StaticString, _ expected: String = "an object") -> EventReader {
        if member(name) == nil { missing(name, expected) } else if let object = optionalObject(name) { return object }
        return EventReader(nil, place.member(name), faults)
    }

    /// What each object of a list is read as.
    func objects<Value>(_ name: StaticString, atMost limit: Int, _ read: (EventReader) -> Value) -> [Value] {
        guard let member = member(name) else { return [] }
        guard member.isArray, member.count <= limit else {
            wrong(name, "a list of at most \(limit) objects")
            return []
        }
        let list = place.member(name)
        for (index, element) in member.elements.enumerated() where !element.isObject {
            faults.add(list.element(index).description, "expected an object")
        }
        var values: [Value] = []
        values.reserveCapacity(member.count)
        for (index, element) in member.elements.enumerated() where element.isObject {
            values.append(read(EventReader(element, list.element(index), faults)))
        }
        return values
    }

    func has(_ name: StaticString) -> Bool { member(name) != nil }

    /// A text that decides nothing by its form: a number is taken as it is written, what is too long is cut and what is no text left out, with
    /// a note. Empty reads as absent.
    func lenientText(_ name: StaticString, atMost limit: Int) -> String? {
        guard let member = member(name) else { return nil }
        let text: String
        switch member.value {
        case .string(let string): text = string
        case .integer(let number): text = String(number)
        case .number(let digits): text = digits
        default:
            faults.note("\(path).\(name)", "left out: it is no text")
            return nil
        }
        guard text.utf8.contains(where: { $0 > 0x20 }) else { return nil }
        guard text.utf8.count > limit else { return text }
        faults.note("\(path).\(name)", "cut to \(limit) of its \(text.utf8.count) bytes")
        var cut = Substring(text)
        while cut.utf8.count > limit { cut.removeLast(min(cut.count, max(1, (cut.utf8.count - limit) / 4))) }
        return String(cut)
    }

    /// A short code that may come with words: `4 AVS not supported for this card type` is 4. Words without a code are left out.
    func lenientCode(_ name: StaticString, atMost limit: Int) -> String? {
        guard let text = lenientText(name, atMost: 512), text.utf8.count > limit else { return lenientText(name, atMost: limit) }
        let code = text.utf8.drop { $0 <= 0x20 }.prefix { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
        let next = text.utf8[code.endIndex...].first { $0 > 0x20 }
        let isCode = code.count <= 2 || (next.map { $0 == 0x3A || $0 == 0x2D || $0 == 0x28 } ?? false) && code.count <= limit
        guard isCode, !code.isEmpty else {
            faults.note("\(path).\(name)", "left out: expected a code of at most \(limit) bytes")
            return nil
        }
        faults.note("\(path).\(name)", "read as its code alone")
        return String(Substring(code))
    }

    /// One of a few words; another is left out with a note.
    func lenientWord<Value>(_ name: StaticString, _ parse: (String) -> Value?) -> Value? {
        guard let text = lenientText(name, atMost: 64) else { return nil }
        let value = parse(text)
        if value == nil { faults.note("\(path).\(name)", "left out: it is none of the words known here") }
        return value
    }
}
