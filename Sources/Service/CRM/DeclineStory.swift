import DeclineRecovery
import JSON

/// What has been seen of one decline so far.
package struct DeclineStory: Sendable, Equatable {
    package internal(set) var declineClass: String?
    package internal(set) var rule: String?
    /// `cascade`, `retry`, or `skip`.
    package internal(set) var route: String?
    var kind: ResultKind?
    package var result: String? { kind?.rawValue }
    package internal(set) var reason: String?
    package internal(set) var action: String?
    package internal(set) var otherRecovery: String?
    package internal(set) var deadLetter: String?
    /// More than one final result of a recovery would be a lie to the CRM.
    package internal(set) var finals: Set<String> = []

    /// The recovery that tells its end, where its event came in another form before.
    private(set) var otherForm: RecoveryReference?

    /// Whether it is that of a command, which is answered beside the recovery that it is about.
    var isOfCommand = false

    package init() {}

    /// Whether it has come to its end: a final result, or a dead letter; of a command, its answer.
    package var isOver: Bool {
        if isOfCommand, let kind, kind.isAnswer { return true }
        return !finals.isEmpty || deadLetter != nil && (result == nil || isOfCommand)
    }

    /// With what came of its other form: one decline has one result.
    func told(as other: DeclineStory) -> DeclineStory {
        var story = self
        (story.kind, story.reason, story.action, story.otherRecovery) = (other.kind, other.reason, other.action, other.otherRecovery)
        (story.finals, story.deadLetter) = (other.finals, other.deadLetter)
        return story
    }

    mutating func saw(_ news: DeclineNews) {
        switch news {
        case .record(let record):
            declineClass = record.declineClass?.rawValue ?? declineClass
            rule = record.rule ?? rule
            if record.stage == .intake, record.fate == .passed { route = record.detail }
            if record.fate == .ignored { otherForm = record.otherForm ?? otherForm }
        case .letter(let letter): deadLetter = letter.reason.rawValue
        }
        if let told = news.told { saw(told) }
    }

    private mutating func saw(_ told: ToldResult) {
        // A repeat says nothing new.
        if told.kind.isFinal, !finals.insert((told.reference?.text ?? "") + "/" + told.kind.rawValue).inserted { return }
        // A command by order asks for several names of one rebill; those that it does not have say so after the one that it has.
        if told.kind == .nothingToCancel, !finals.isEmpty { return }
        kind = told.kind
        reason = told.reason
        action = told.action?.rawValue
        otherRecovery = told.otherRecovery?.text
        if told.kind == .skipped, route == nil { route = "skip" }
    }
}

extension ResultKind {
    /// Whether it can answer a command without ending a recovery.
    fileprivate var isAnswer: Bool { isMoneyBack || self == .refundFailed || self == .nothingToCancel }
}

/// What an example is expected to come to; a member that is left out may be anything.
package struct Expectation: Sendable {
    private let members: [(name: String, text: String)]

    init?(_ value: JSONValue) {
        guard let object = value.object else { return nil }
        members = object.compactMap { member in member.value.string.map { (member.name, $0) } }
    }

    /// Whether something is expected that comes after the end, a refund or a chargeback; or that stands in another stream, a letter.
    package func awaitsMore(after story: DeclineStory) -> Bool {
        if story.deadLetter == nil, members.contains(where: { $0.name == "deadLetter" }) { return true }
        guard let wanted = members.first(where: { $0.name == "result" })?.text, ResultKind(rawValue: wanted)?.isFinal == false else {
            return false
        }
        return story.result != wanted
    }

    /// What is otherwise, in words; empty when all is as expected.
    package func differences(from story: DeclineStory) -> [String] {
        var differences = members.compactMap { name, wanted -> String? in
            let seen: String? =
                switch name {
                case "class": story.declineClass
                case "rule": story.rule
                case "route": story.route
                case "result": story.result
                case "reason": story.reason
                case "action": story.action
                case "deadLetter": story.deadLetter
                default: "(no such member in a story)"
                }
            return seen == wanted ? nil : "\(name) is \(seen ?? "nothing"), expected \(wanted)"
        }
        if story.finals.count > 1 { differences.append("\(story.finals.count) different final results") }
        return differences
    }

    /// Reads a file that maps an event's label (its file name) to what is expected of it.
    package static func read(_ file: String) throws(DeclineFileError) -> [String: Expectation] {
        guard let bytes = WholeFile.bytes(of: file) else { throw DeclineFileError(file: file, what: WholeFile.fault(of: file)) }
        guard let object = (try? JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: 16 << 20, depth: 32)))?.object else {
            throw DeclineFileError(file: file, what: "expected a JSON object of expectations by file name")
        }
        var expectations: [String: Expectation] = [:]
        for member in object {
            guard let parts = member.value.object else {
                throw DeclineFileError(file: file, what: "\(member.name): expected an object, such as {\"result\": \"approved\"}")
            }
            // What is expected and not read would seem to come out as expected.
            if let other = parts.first(where: { $0.value.string == nil }) {
                throw DeclineFileError(file: file, what: "\(member.name).\(other.name): expected a text")
            }
            expectations[member.name] = Expectation(member.value)
        }
        return expectations
    }
}
