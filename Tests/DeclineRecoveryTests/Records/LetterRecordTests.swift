import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct LetterRecordTests {
    private static let one = UUID5.numbered(1)
    private static let two = UUID5.numbered(2)
    private static let run = UUID5.numbered(99)
    private static let patch = JSONPatch([
        .replace(JSONPointer(tokens: ["data", "a~/"]), .object([.init("x", .null)])), .remove(JSONPointer(tokens: ["b"])),
    ])

    private static let acts: [LetterRecord.Act] =
        [
            .selected(
                [one, two], run: run,
                ReplayPlan(correction: .patch(patch), isCanary: true, rate: 7, consent: ReplayConsent(ofCRM: true), total: 2_500)),
            .selected([one], run: run, ReplayPlan(total: 1)), .replayed([one, two], run: run),
            .resolved([one], .processed("told approved", run: run)), .resolved([one, two], .byHand), .discarded([two]), .restored([one]),
            .lookedUp([one], found: "no answer in time"), .runEnded(run, .finished, why: "2 processed"), .runEnded(run, .stopped, why: ""),
            .discarded([]), .resolved([one, two], .mended("acme-A1-S0-abcdefghij")),
            .selected([one], run: run, ReplayPlan(correction: .rerun, total: 1)),
        ] + ResultKind.allCases.map { .resolved([one], .reconciled($0)) }

    private func record(_ act: LetterRecord.Act, note: String? = nil, means: LetterRecord.Operator.Means = .console) -> LetterRecord {
        LetterRecord(id: .numbered(5), at: .in2026(3), by: .init(name: "ada \"Ä\"", means: means), note: note, act: act)
    }

    private func fault(_ bytes: [UInt8]) -> EnvelopeFault? {
        if case .failure(let fault) = LetterRecord.decode(bytes) { fault } else { nil }
    }

    @Test(arguments: acts)
    func everyActComesBack(act: LetterRecord.Act) throws {
        for means in LetterRecord.Operator.Means.allCases {
            for note in [nil, "", "asked Bob\n"] {
                let record = record(act, note: note, means: means)
                #expect(try LetterRecord.decode(record.encoded()).get() == record)
            }
        }
        let value = try JSONValue(parsing: record(act).encoded().span)
        #expect(value["type"]?.string == LetterRecord.type && value["data"]?["act"]?.string == act.word)
    }

    /// Whoever wrote them should have refused it; a stream keeps what it is given for a year.
    @Test func noCardNumberOfAPersonsWordsIsKept() throws {
        let record = LetterRecord(
            id: .numbered(5), at: .in2026(3), by: .init(name: "ada 4012888888881881", means: .console),
            note: "the customer said 4012 8888 8888 1881", act: .discarded([Self.one]))
        let kept = try LetterRecord.decode(record.encoded()).get()
        #expect(kept.by.name.hasPrefix("ada ") && CardDataGuard.finding(in: kept.by.name) == nil)
        #expect(kept.note?.hasPrefix("the customer said ") == true && CardDataGuard.finding(in: kept.note ?? "") == nil)
        #expect(kept.act == record.act)
    }

    @Test func theFullestRecordComesBack() throws {
        let letters = (0..<UInt64(LetterRecord.mostLetters)).map { UUID5.numbered($0) }
        let record = record(.selected(letters, run: Self.run, ReplayPlan(total: letters.count)))
        #expect(try LetterRecord.decode(record.encoded()).get().act.letters == letters)
        #expect(record.act.letters == letters)
    }

    @Test(
        arguments: [
            (acts[0], "selected for replay, with 2499 others, corrected"), (acts[1], "selected for replay"),
            (.selected([one], run: run, ReplayPlan(correction: .rerun, total: 2)), "selected for replay, with 1 other, as a rerun"),
            (acts[2], "replayed: its message is with the broker again"), (acts[3], "resolved: the replay was processed (told approved)"),
            (.resolved([one], .reconciled(.approved)), "resolved: FlexFactor was asked, and the CRM told approved"),
            (.resolved([one], .byHand), "marked as resolved"),
            (.discarded([one]), "discarded"), (.restored([one]), "restored: it is to be done again"),
            (.lookedUp([one], found: "processing"), "reconcile did not settle it: processing"),
            (.runEnded(run, .stopped, why: "2 failed"), "run stopped: 2 failed"),
            (.runEnded(run, .finished, why: "all well"), "run finished: all well"),
        ] as [(LetterRecord.Act, String)])
    func anActIsASentence(act: LetterRecord.Act, sentence: String) {
        #expect(record(act).sentence == sentence)
    }

    @Test(arguments: [
        ("/id", "$.id"), ("/time", "$.time"), ("/data/act", "$.data.act"), ("/data/by", "$.data.by"), ("/data/by/name", "$.data.by.name"),
        ("/data/by/means", "$.data.by.means"), ("/data/run", "$.data.run"), ("/data/plan", "$.data.plan"),
        ("/data/plan/patch", "$.data.plan.patch"),
        ("/data/plan/canary", "$.data.plan.canary"), ("/data/plan/rate", "$.data.plan.rate"),
        ("/data/plan/crmConsent", "$.data.plan.crmConsent"),
        ("/data/plan/total", "$.data.plan.total"), ("/data/letters", "$.data.letters"),
    ])
    func whatIsNotOfItsFormIsNamedAndNotShown(member: String, path: String) throws {
        let value = try JSONValue(parsing: record(Self.acts[0]).encoded().span)
        let place = try #require(JSONPointer(member))
        let wrong = member.hasSuffix("name") ? JSONValue.integer(7) : .string("CANARY")
        let broken = try JSONPatch([.replace(place, wrong)]).applied(to: value).bytes
        let fault = try #require(self.fault(broken))
        #expect(fault.path == path && !fault.description.contains("CANARY"), "\(fault)")
        if !["/data/plan/patch", "/data/letters"].contains(member) {
            #expect(try self.fault(JSONPatch([.remove(place)]).applied(to: value).bytes)?.path == path)
        }
    }

    @Test(
        arguments: [
            (acts[3], "/data/how", "$.data.how"), (acts[3], "/data/outcome", "$.data.outcome"), (acts[3], "/data/run", "$.data.run"),
            (.resolved([one], .reconciled(.approved)), "/data/outcome", "$.data.outcome"), (acts[7], "/data/found", "$.data.found"),
            (acts[8], "/data/end", "$.data.end"), (acts[8], "/data/why", "$.data.why"), (acts[8], "/data/run", "$.data.run"),
        ] as [(LetterRecord.Act, String, String)])
    func whatAnActNeedsIsAskedFor(act: LetterRecord.Act, member: String, path: String) throws {
        let value = try JSONValue(parsing: record(act).encoded().span)
        #expect(try fault(JSONPatch([.remove(#require(JSONPointer(member)))]).applied(to: value).bytes)?.path == path)
    }

    @Test func anActOfALaterVersionIsNotGuessedAt() {
        let text = String(decoding: record(.discarded([Self.one])).encoded(), as: UTF8.self)
        #expect(fault(Array(text.replacing("\"act\":\"discarded\"", with: "\"act\":\"burnt\"").utf8))?.path == "$.data.act")
        #expect(fault(Array(text.replacing("record.v1", with: "record.v2").utf8)) != nil)
        #expect(fault([0xFF]) != nil && fault(DeadLetter.sample().encoded()) != nil)
    }
}

@Suite struct ReplayTraceTests {
    private let run = UUID5.numbered(1)

    @Test func aTraceparentHasItsFormAndItsIDIsReadBack() throws {
        for number in 0..<100 as Range<UInt64> {
            let text = ReplayTrace.traceparent(run: run, letter: .numbered(number))
            let parts = text.split(separator: "-")
            #expect(parts.map(\.utf8.count) == [2, 32, 16, 2] && parts[0] == "00" && parts[3] == "01", "\(text)")
            #expect(parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } }, "\(text)")
            #expect(ReplayTrace.id(ofTraceparent: text) == ReplayTrace.id(run: run, letter: .numbered(number)))
        }
    }

    @Test func everyLetterOfEveryRunHasATraceOfItsOwn() {
        let ids = (1...20 as ClosedRange<UInt64>).flatMap { run in
            (1...20 as ClosedRange<UInt64>).map { ReplayTrace.id(run: .numbered(run), letter: .numbered($0)) }
        }
        #expect(Set(ids).count == 400)
        #expect(ReplayTrace.id(run: run, letter: .numbered(3)) == ReplayTrace.id(run: run, letter: .numbered(3)))
    }

    /// Their first ids read as card numbers, and a pod would not pass them on: the operator would wait for ever to hear of the message.
    @Test(arguments: [13_881, 16_405, 24_006] as [UInt64]) func noTraceReadsAsACardNumber(letter: UInt64) {
        let first = UUID5(namespace: run, name: UUID5.numbered(letter).description)
        let hex = first.description.filter { $0 != "-" }
        #expect(CardDataGuard.finding(in: "00-\(hex)-\(hex.suffix(16))-01") == .cardNumber)
        #expect(ReplayTrace.id(run: run, letter: .numbered(letter)) != first)
        #expect(CardDataGuard.finding(in: ReplayTrace.traceparent(run: run, letter: .numbered(letter))) == nil)
    }

    @Test func aTraceOfSomebodyElsesIsReadToo() {
        let id = ReplayTrace.id(ofTraceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
        #expect(id?.description == "4bf92f35-77b3-4da6-a3ce-929d0e0e4736")
    }

    @Test(arguments: [
        "", "00", "00---", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47366-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "00-gbf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6-a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-ébf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        // A sign is no digit.
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6+3ce929d0e0e4736-00f067aa0ba902b7-01",
    ])
    func whatIsNoTraceparentHasNoTrace(text: String) {
        #expect(ReplayTrace.id(ofTraceparent: text) == nil)
    }
}
