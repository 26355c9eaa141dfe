import DeclineRecovery
import JSON

/// What a request's body says, member by member. A member of another kind is refused and never taken for absent: whoever writes `"canary": "yes"`
/// means one letter, not all. `null` is absent.
extension JSONValue {
    private func given(_ name: String) -> JSONValue? {
        guard let value = self[name], !value.isNull else { return nil }
        return value
    }

    private func read<Value>(_ name: String, _ expected: String, _ read: (JSONValue) -> Value?) throws(ConsoleError) -> Value? {
        guard let value = given(name) else { return nil }
        guard let meant = read(value) else { throw .badRequest("\(name): expected \(expected).") }
        return meant
    }

    /// Refuses what is asked for by a name that nothing has: whoever writes `"cannary"` means one letter, not all.
    func allow(_ names: Set<String>) throws(ConsoleError) {
        guard let other = object?.first(where: { !names.contains($0.name) }) else { return }
        throw .unknownName(other.name, "here", known: names.sorted())
    }

    func text(_ name: String) throws(ConsoleError) -> String? { try read(name, "a text", \.string) }

    func flag(_ name: String) throws(ConsoleError) -> Bool? { try read(name, "true or false", \.bool) }

    func whole(_ name: String) throws(ConsoleError) -> Int? { try read(name, "a whole number") { $0.whole.flatMap(Int.init(exactly:)) } }

    func patch(_ name: String) throws(ConsoleError) -> JSONPatch? {
        guard let value = given(name) else { return nil }
        do throws(JSONPatchError) { return try JSONPatch(value) } catch {
            throw ConsoleError(status: 422, what: error.description, advice: error.advice)
        }
    }

    /// Which letters are meant, by their ids or by a filter: one of both, so that nobody acts on others than he thinks.
    func letters() throws(ConsoleError) -> LetterSelection {
        switch (self["letters"], self["filter"]) {
        case (let letters?, nil):
            guard let list = letters.array, (1...10_000).contains(list.count) else {
                throw .unexpected("letters", letters.array.map { String($0.count) } ?? "no list", expected: "a list of 1 to 10,000 ids")
            }
            var ids: [UUID5] = []
            for entry in list {
                guard let id = entry.string.flatMap({ UUID5($0) }) else {
                    let found = entry.string ?? String(decoding: entry.bytes, as: UTF8.self)
                    throw .unexpected("letters", found, expected: "ids of 36 characters")
                }
                ids.append(id)
            }
            return .letters(ids)
        case (nil, _?):
            guard let filter = try filter("filter") else { throw .badRequest("filter: expected an object.") }
            return .filter(filter)
        default: throw .badRequest("Expected letters or a filter, and not both.")
        }
    }

    /// A filter of letters: texts, and numbers for times. A name that is none of its own would else select more than was meant.
    private func filter(_ name: String) throws(ConsoleError) -> LetterFilter? {
        guard let filter = try read(name, "an object", { $0.object == nil ? nil : $0 }) else { return nil }
        if let other = filter.object?.first(where: { !LetterFilter.names.contains($0.name) }) {
            throw .unknownName(other.name, "in the \(name)", known: LetterFilter.names)
        }
        return try LetterFilter { (name) throws(ConsoleError) in
            // Times are numbers, and texts where they come out of an address.
            guard LetterFilter.times.contains(name) else { return try filter.text(name) }
            return try filter.read(name, "milliseconds since 1970") { $0.string ?? $0.whole.map { String($0) } }
        }
    }
}
