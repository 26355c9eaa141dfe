import JSON

/// An object of a message under validation. A value that is missing or not of its form adds a fault and reads as `nil`, so that reading
/// goes on and finds the other faults too. Faults say what was expected and never what stood there: that may be a person's data.
struct EventReader {
    private let value: JSONNode?
    let place: FieldPath
    /// There is no such object: what it must hold is told as missing, so that nobody has to ask again.
    let isAbsent: Bool
    let faults: FaultList
    /// What is wrong here costs nothing: it is noted.
    private let isLenient: Bool

    /// The message itself.
    init(_ message: JSONNode, _ faults: FaultList) {
        self.init(message, .root, faults)
    }

    init(_ value: JSONNode?, _ place: FieldPath, _ faults: FaultList, isLenient: Bool = false) {
        self.value = value
        self.place = place
        self.faults = faults
        self.isLenient = isLenient
        isAbsent = value == nil
    }

    var path: String { place.description }

    func member(_ name: StaticString) -> JSONNode? {
        guard let member = value?[name], !member.isNull else { return nil }
        return member
    }

    private func missing(_ name: StaticString, _ expected: String) {
        if isLenient { return faults.note("\(path).\(name)", "missing; expected \(expected)") }
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
        if isLenient { return faults.note("\(path).\(name)", "left out: expected \(expected)") }
        faults.add("\(path).\(name)", "expected \(expected)")
    }

    private func describe(_ length: ClosedRange<Int>, in unit: String = "bytes of UTF-8") -> String {
        "a text of \(length.lowerBound)...\(length.upperBound) \(unit)"
    }

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

    /// A text that decides nothing by its length, so that it costs no sale: of a longer one the beginning is read.
    ///
    /// - Parameter length: in characters, as JSON Schema counts them.
    func cutText(_ name: StaticString, _ length: ClosedRange<Int>, isRequired: Bool = true) -> String? {
        parsed(name, describe(length, in: "characters"), isRequired: isRequired) { (text: String) -> String? in
            let kept = cut(text, name, to: length.upperBound)
            return kept.isEmpty && length.lowerBound > 0 ? nil : kept
        }
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
    ///
    /// - Parameter takesNumbers: a number is read as its digits.
    func parsed<Value>(
        _ name: StaticString, _ expected: @autoclosure () -> String, isRequired: Bool = true, takesNumbers: Bool = false,
        _ parse: (String) -> Value?
    ) -> Value? {
        guard let member = member(name) else {
            if isRequired { missing(name, expected()) }
            return nil
        }
        guard let value = (member.string ?? (takesNumbers ? member.whole.map { String($0) } : nil)).flatMap(parse) else {
            wrong(name, expected())
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
        return EventReader(member, place.member(name), faults, isLenient: isLenient)
    }

    /// - Parameter expected: what the object is to hold, where its members alone do not say it.
    func object(_ name: StaticString, _ expected: String = "an object") -> EventReader {
        if member(name) == nil { missing(name, expected) } else if let object = optionalObject(name) { return object }
        return EventReader(nil, place.member(name), faults)
    }

    func has(_ name: StaticString) -> Bool { member(name) != nil }
}
