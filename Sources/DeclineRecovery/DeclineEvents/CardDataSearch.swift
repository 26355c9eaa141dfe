import JSON

/// Looks for card data in everything a message holds, names included.
struct CardDataSearch {
    private let faults: FaultList
    private let places: IDPlaces
    /// Where the search is. A path is made only for what is told: made at every step, a long name over many elements would cost its
    /// length for each of them.
    private var place: [Step] = []

    private enum Step {
        case name(String)
        case index(Int)
        /// A name that is itself a card number must not be told.
        case hidden(Int)
    }

    static func search(_ value: JSONValue, _ faults: FaultList) {
        var search = CardDataSearch(faults: faults, places: IDPlaces(value))
        search.walk(value, under: nil)
    }

    private init(faults: FaultList, places: IDPlaces) {
        self.faults = faults
        self.places = places
    }

    private mutating func walk(_ value: JSONValue, under name: String?) {
        switch value {
        case .null, .bool: break
        case .integer(let number): if number.magnitude >= 100_000_000_000 { judge(String(number)) }
        case .number(let text): judge(CardDataGuard.written(text))
        case .string(let text): judge(text)
        case .array(let elements):
            if CardDataGuard.isCardNumber(elements) { return add(Self.number) }
            let inner = IDPlaces.elements(of: name)
            for (index, element) in elements.enumerated() { at(.index(index)) { $0.walk(element, under: inner) } }
        case .object(let members):
            let named = NamedPair(members)
            for (index, member) in members.enumerated() {
                let isOwn = OwnNames.contains(member.name)
                let isClean = isOwn || CardDataGuard.finding(in: member.name) == nil
                let secret = (isOwn ? nil : SecretName(member.name)) ?? named?.secret(of: member)
                if isClean, secret == nil, Self.isHarmless(member.value) { continue }
                if places.isID(member.value, member: member.name, of: name) { continue }
                at(isClean ? .name(member.name) : .hidden(index)) { search in
                    if !isClean { search.add("a card number in clear as a name; card data never travels in clear") }
                    switch secret {
                    case .securityCode? where CardDataGuard.mayBeSecurityCode(member.value): search.add(Self.code)
                    case .cardNumber? where CardDataGuard.mayBeCardNumber(member.value): search.add(Self.number)
                    default: search.walk(member.value, under: member.name)
                    }
                }
            }
        }
    }

    /// Most values are, at a glance.
    private static func isHarmless(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool: true
        case .integer(let number): number.magnitude < 100_000_000_000
        case .string(let text): !CardDataGlance.seesReason(in: text)
        case .number, .array, .object: false
        }
    }

    private static let number = "a card number in clear; send a FlexFactor token (an id that only looks like one needs a letter before it)"
    private static let code = "a security code in clear; security codes are never sent"

    private mutating func at(_ step: Step, _ look: (inout CardDataSearch) -> Void) {
        place.append(step)
        look(&self)
        place.removeLast()
    }

    private func judge(_ text: String) {
        switch CardDataGuard.finding(in: text) {
        case .cardNumber: add(Self.number)
        case .trackData: add("magnetic stripe data in clear; it is never sent")
        case .securityCode: add(Self.code)
        case nil: break
        }
    }

    private func add(_ message: String) { faults.add(path, message) }

    private var path: String {
        place.reduce(into: "$") { path, step in
            switch step {
            case .name(let name): path += "." + name.cut(toBytes: 64)
            case .index(let index): path += "[\(index)]"
            case .hidden(let index): path += ".(member \(index))"
            }
        }
    }
}
