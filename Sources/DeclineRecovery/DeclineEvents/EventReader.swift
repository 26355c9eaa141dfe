/// Every fault of one message, in the order found.
final class FaultList {
    private(set) var all: [FieldError] = []

    var isEmpty: Bool { all.isEmpty }

    func add(_ path: String, _ message: String) { all.append(FieldError(path: path, message: message)) }
}

/// An object of a message under validation. A value that is missing or not of its form adds a fault and reads as `nil`, so that reading
/// goes on and finds the other faults too. Faults say what was expected and never what stood there: that may be a person's data.
struct EventReader {
    private let value: JSONValue
    let path: String
    private let faults: FaultList

    init(_ value: JSONValue, _ path: String, _ faults: FaultList) {
        self.value = value
        self.path = path
        self.faults = faults
    }

    private func member(_ name: String) -> JSONValue? {
        guard let member = value[name], !member.isNull else { return nil }
        return member
    }

    private func missing(_ name: String, _ expected: String) {
        faults.add("\(path).\(name)", "missing; expected \(expected)")
    }

    private func wrong(_ name: String, _ expected: String) {
        faults.add("\(path).\(name)", "expected \(expected)")
    }

    private func describe(_ length: ClosedRange<Int>) -> String { "a text of \(length.lowerBound)...\(length.upperBound) bytes" }

    func optionalText(_ name: String, _ length: ClosedRange<Int> = 0...256) -> String? {
        guard let member = member(name) else { return nil }
        guard let text = member.string, length.contains(text.utf8.count) else {
            wrong(name, describe(length))
            return nil
        }
        return text
    }

    func text(_ name: String, _ length: ClosedRange<Int> = 1...256) -> String? {
        if member(name) == nil {
            missing(name, describe(length))
            return nil
        }
        return optionalText(name, length)
    }

    func optionalCount(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.int64, range.contains(Int(number)) else {
            wrong(name, "a whole number of \(range.lowerBound)...\(range.upperBound)")
            return nil
        }
        return Int(number)
    }

    func count(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        if member(name) == nil {
            missing(name, "a whole number of \(range.lowerBound)...\(range.upperBound)")
            return nil
        }
        return optionalCount(name, range)
    }

    func flag(_ name: String) -> Bool {
        guard let member = member(name) else { return false }
        guard let flag = member.bool else {
            wrong(name, "true or false")
            return false
        }
        return flag
    }

    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type = Word.self) -> Word? where Word.RawValue == String {
        let expected = "one of " + Word.allCases.map(\.rawValue).joined(separator: ", ")
        guard let member = member(name) else {
            missing(name, expected)
            return nil
        }
        guard let word = member.string.flatMap(Word.init(rawValue:)) else {
            wrong(name, expected)
            return nil
        }
        return word
    }

    /// Reads a member with a form of its own.
    func parsed<Value>(_ name: String, _ expected: String, isRequired: Bool = true, _ parse: (String) -> Value?) -> Value? {
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

    func optionalObject(_ name: String) -> EventReader? {
        guard let member = member(name) else { return nil }
        guard member.object != nil else {
            wrong(name, "an object")
            return nil
        }
        return EventReader(member, "\(path).\(name)", faults)
    }

    func object(_ name: String) -> EventReader? {
        if member(name) == nil {
            missing(name, "an object")
            return nil
        }
        return optionalObject(name)
    }

    func objects(_ name: String, atMost limit: Int) -> [EventReader] {
        guard let member = member(name) else { return [] }
        guard let elements = member.array, elements.count <= limit else {
            wrong(name, "a list of at most \(limit) objects")
            return []
        }
        return elements.enumerated().compactMap { index, element in
            if element.object != nil { return EventReader(element, "\(path).\(name)[\(index)]", faults) }
            faults.add("\(path).\(name)[\(index)]", "expected an object")
            return nil
        }
    }

    func has(_ name: String) -> Bool { member(name) != nil }
}

/// Looks for card data in everything a message holds, names included.
enum CardDataSearch {
    static func search(_ value: JSONValue, path: String, _ faults: FaultList) {
        // Paths are only worth their cost where there may be something to report.
        if mayHold(value) { walk(value, path: path, faults) }
    }

    private static func mayHold(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool: false
        case .integer(let number): number.magnitude >= 100_000_000_000
        case .number(let text), .string(let text): CardDataGuard.hasDigitsEnough(text)
        case .array(let elements): elements.contains(where: mayHold)
        case .object(let members):
            members.contains { CardDataGuard.hasDigitsEnough($0.name) || CardDataGuard.namesSecurityCode($0.name) || mayHold($0.value) }
        }
    }

    private static func walk(_ value: JSONValue, path: String, _ faults: FaultList) {
        switch value {
        case .null, .bool: break
        case .integer(let number): judge(String(number), path, faults)
        case .number(let text), .string(let text): judge(text, path, faults)
        case .array(let elements):
            for (index, element) in elements.enumerated() { walk(element, path: "\(path)[\(index)]", faults) }
        case .object(let members):
            for (index, member) in members.enumerated() {
                // A name that is itself a card number must not be told in a path.
                let isClean = CardDataGuard.finding(in: member.name) == nil
                let inner = isClean ? "\(path).\(member.name)" : "\(path).(member \(index))"
                if !isClean { faults.add(inner, "a card number in clear as a name; card data never travels in clear") }
                if CardDataGuard.namesSecurityCode(member.name), !member.value.isNull, member.value != .string("") {
                    faults.add(inner, "a security code in clear; security codes are never sent")
                } else {
                    walk(member.value, path: inner, faults)
                }
            }
        }
    }

    private static func judge(_ text: String, _ path: String, _ faults: FaultList) {
        guard CardDataGuard.hasDigitsEnough(text), let finding = CardDataGuard.finding(in: text) else { return }
        switch finding {
        case .cardNumber:
            faults.add(path, "a card number in clear; send a FlexFactor token (an id that only looks like one needs a letter before it)")
        case .trackData: faults.add(path, "magnetic stripe data in clear; it is never sent")
        case .securityCode: faults.add(path, "a security code in clear; security codes are never sent")
        }
    }
}
