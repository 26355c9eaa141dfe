package import DeclineRecovery
import JSON

/// What is sent to an address of the operator's own (docs/notices.md). Holds nobody's data and no card.
package struct Notice: Sendable, Equatable {
    package enum Event: String, Sendable, CaseIterable {
        case faultBegun = "fault.begun"
        /// It was told before, and has grown.
        case faultGrown = "fault.grown"
        case faultOver = "fault.over"
        case pauseBegun = "pause.begun"
        case pauseOver = "pause.over"
        /// A console has begun, and knows how things stand: what was told before it and is not named is over.
        case consoleBegun = "console.begun"
        /// Somebody tries whether notices arrive.
        case test
    }

    /// Made of the fact: whoever tells the same tells it by the same id.
    package let id: UUID5
    package let event: Event
    package let at: Moment
    package let kind: String
    package let count: Int
    package let what: String
    package let advice: String
    package let subjects: [Subject]
    /// What of the book it tells, and up to where.
    let members: [(key: String, order: Int64, name: String)]

    package struct Subject: Sendable, Equatable {
        package let name: String
        package let since: Moment?
        package let until: Moment?
    }

    /// Subjects that one notice names.
    static let mostSubjects = 20
    /// An id's part that is the same for all of ours.
    private static let namespace = UUID5(high: 0x6f1c_4d5e_9a0b_5c2d, low: 0x8e3f_7a61_b2c4_d5e6)

    /// - Parameters:
    ///   - name: what tells it from every other of the fleet.
    ///   - facts: of one topic and kind, the first that were first.
    init(
        _ event: Event, named name: String, of fleet: String, at: Moment, _ facts: [NoticeFact], what: String, advice: String,
        members: [(key: String, order: Int64, name: String)], count: Int? = nil
    ) {
        id = UUID5(namespace: Self.namespace, name: "\(fleet)/\(name)")
        self.event = event
        self.at = at
        kind = event == .consoleBegun ? "console" : facts.first?.kind ?? event.rawValue
        self.count = count ?? facts.reduce(0) { $0 + $1.count }
        self.what = what
        self.advice = advice
        subjects = facts.prefix(Self.mostSubjects).filter { !$0.subject.isEmpty || $0.since != nil }.map {
            Subject(name: $0.subject, since: $0.since, until: $0.until)
        }
        self.members = members
    }

    /// What somebody sends who tries whether notices arrive.
    package static func test(of fleet: String, at now: Moment) -> Notice {
        Notice(
            .test, named: "test/\(now.milliseconds)", of: fleet, at: now, [], what: "A test: notices of the fleet \(fleet) arrive.",
            advice: "Nothing is to be done.", members: [])
    }

    /// What a process says that has begun: all that is wrong as it finds it.
    static func begun(of fleet: String, at now: Moment, _ facts: [NoticeFact]) -> Notice {
        let faults = facts.filter { $0.topic == .fault }
        let kinds = Set(faults.map(\.kind)).sorted().joined(separator: ", ")
        return Notice(
            .consoleBegun, named: "console/\(now.milliseconds)", of: fleet, at: now, faults,
            what: "A console has begun. " + (faults.isEmpty ? "All is well." : "Wrong is: \(kinds)."),
            advice: faults.isEmpty ? "Nothing is to be done." : "`salvage status`", members: [], count: faults.count)
    }

    package static func == (one: Notice, other: Notice) -> Bool {
        one.id == other.id && one.event == other.event && one.kind == other.kind && one.count == other.count && one.what == other.what
            && one.subjects == other.subjects
    }

    /// Where in the console more is told.
    private var place: String { ["dead_letters", "charges_in_doubt", "letters_unreadable"].contains(kind) ? "#/letters" : "#/" }

    /// The body, as schemas/notice.v1.schema.json describes it.
    ///
    /// - Parameter console: its address, where people can reach it.
    package func body(of fleet: String, console: String?) -> [UInt8] {
        var json = JSONWriter()
        json.object { notice in
            notice.member("type", event.rawValue)
            notice.member("timestamp", at.rfc3339)
            notice.object("data") { data in
                data.member("fleet", fleet)
                data.member("kind", kind)
                data.member("count", Int64(count))
                data.member("what", what)
                data.member("advice", advice)
                data.array("subjects") { list in
                    for subject in subjects {
                        list.object { one in
                            if !subject.name.isEmpty { one.member("name", subject.name) }
                            one.optional("since", subject.since?.rfc3339)
                            one.optional("until", subject.until?.rfc3339)
                        }
                    }
                }
                data.optional("link", console.map { "\($0)/\(place)" })
            }
        }
        return json.bytes
    }
}
