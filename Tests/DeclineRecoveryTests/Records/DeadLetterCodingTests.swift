import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct DeadLetterCodingTests {
    private static let reference = RecoveryReference(
        orderID: "Ä/1", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88", gatewayID: "7"))

    private static func full(
        _ reason: DeadLetterReason = .refusedByFlexFactor, stage: Stage = .retry, body: [UInt8] = Array("{\"a\":1}".utf8)
    ) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: "CANARY \"quoted\"\n\u{1}",
            faults: [FieldError(path: "$.a", message: "CANARY"), FieldError(path: "", message: "")],
            stage: stage, attempts: 7,
            subject: DeadLetter.Subject(merchantID: "CANARY", reference: reference, orderID: "Ä/1", gatewayID: "42"),
            original: DeadLetter.Original(
                exchange: "CANARY", routingKey: "decline.initial", redelivered: true, messageID: "m-1", type: "t",
                contentType: "application/json",
                correlationID: "c", replyTo: "amq.gen-1",
                headers: [
                    .init(name: "z", value: "1"), .init(name: "a", value: ""), .init(name: "Ä", value: "CANARY"),
                    .init(name: "CC", value: .array(["x", .integer(7), .null])),
                    .init(name: "table", value: .object([.init("flag", .bool(true)), .init("half", .number("0.5"))])),
                ], redactedBody: body,
                originalByteCount: 4_711),
            identity: body, worker: DeadLetter.Worker(id: "CANARY", host: "pod-1", version: "1.2", mapping: "2026-01"),
            writtenAt: .in2026(1))
    }

    private func value(_ letter: DeadLetter) throws -> JSONValue { try JSONValue(parsing: letter.encoded().span) }

    private func fault(_ value: JSONValue) -> EnvelopeFault? {
        if case .failure(let fault) = DeadLetter.decode(value.bytes) { fault } else { nil }
    }

    @Test func everyFieldComesBack() throws {
        for reason in DeadLetterReason.allCases {
            for stage in Stage.allCases {
                let letter = Self.full(reason, stage: stage)
                #expect(try DeadLetter.decode(letter.encoded()).get() == letter)
            }
        }
        let whole = try value(Self.full())
        #expect(whole["id"]?.string == Self.full().id.description && whole["type"]?.string == DeadLetter.type)
        #expect(
            whole["subject"]?.string == Self.reference.text
                && whole["data"]?["advice"]?.string == DeadLetterReason.refusedByFlexFactor.advice)
    }

    @Test func whatIsNotKnownStaysNotKnown() throws {
        let bare = DeadLetter(
            reason: .unreadable, explanation: "", stage: .intake,
            original: DeadLetter.Original(
                exchange: "", routingKey: "", redelivered: false, messageID: nil, type: nil, contentType: nil, correlationID: nil,
                replyTo: nil,
                headers: [], redactedBody: [], originalByteCount: 0),
            identity: [], worker: DeadLetter.Worker(id: "", host: "", version: "", mapping: nil), writtenAt: .in2026(0))
        let again = try DeadLetter.decode(bare.encoded()).get()
        #expect(again == bare)
        #expect(
            again.subject == DeadLetter.Subject() && again.faults.isEmpty && again.worker.mapping == nil && again.original.messageID == nil)
    }

    @Test func onlyAnUnknownOutcomeIsMarkedAsNotReplayable() throws {
        for reason in DeadLetterReason.allCases {
            #expect(try value(.sample(reason))["data"]?["replayable"]?.bool == (reason != .outcomeUnknown))
        }
    }

    @Test(
        arguments: [
            [0xFF, 0x00, 0xFE], [0xC3], Array(0...255), [0xED, 0xA0, 0x80], [], [0xEF, 0xBB, 0xBF, 0x7B],
            Array("\u{0}\u{1F}\"\\\u{2028}😀".utf8),
            Array("e\u{301}".utf8),
        ] as [[UInt8]])
    func everyBodyComesBackByteForByte(body: [UInt8]) throws {
        let letter = Self.full(body: body)
        let data = try value(letter)["data"]?["original"]
        #expect(
            (data?["body"] != nil) == (String(validating: body, as: UTF8.self) != nil)
                && (data?["body"] == nil) != (data?["bodyBase64"] == nil))
        #expect(try DeadLetter.decode(letter.encoded()).get().original.redactedBody == body)
    }

    /// Intake takes no more than 256 KiB, and a letter must hold what was too large for it.
    @Test func aBodyBeyondAllLimitsComesBackTooAndHowDeepItIsDoesNotMatter() throws {
        for body in [
            Array(repeating: UInt8(0x80), count: 300_000), Array(repeating: UInt8(ascii: "x"), count: 2_000_000),
            Array(String(repeating: "[", count: 5_000).utf8),
        ] {
            let back = try DeadLetter.decode(Self.full(body: body).encoded()).get().original.redactedBody
            #expect(back.elementsEqual(body) as Bool)
        }
    }

    @Test func aMemberOfALaterVersionIsPassedOver() throws {
        let letter = Self.full()
        let later = try JSONPatch([
            .add(#require(JSONPointer("/data/brandNew")), .array([.null])),
            .add(#require(JSONPointer("/data/original/brandNew")), .object([])),
        ]).applied(to: value(letter))
        #expect(try DeadLetter.decode(later.bytes).get() == letter)
    }

    @Test(arguments: [
        ("/id", "$.id"), ("/time", "$.time"), ("/data", "$.type"), ("/type", "$.type"), ("/data/reason", "$.data.reason"),
        ("/data/explanation", "$.data.explanation"), ("/data/stage", "$.data.stage"), ("/data/attempts", "$.data.attempts"),
        ("/data/original", "$.data.original"), ("/data/original/exchange", "$.data.original.exchange"),
        ("/data/original/routingKey", "$.data.original.routingKey"), ("/data/original/redelivered", "$.data.original.redelivered"),
        ("/data/original/bytes", "$.data.original.bytes"), ("/data/original/body", "$.data.original.bodyBase64"),
        ("/data/worker", "$.data.worker"),
        ("/data/worker/id", "$.data.worker.id"), ("/data/worker/host", "$.data.worker.host"),
        ("/data/worker/version", "$.data.worker.version"),
        ("/data/faults/0/path", "$.data.faults[0].path"), ("/data/faults/1/message", "$.data.faults[1].message"),
    ])
    func whatIsMissingIsNamed(member: String, path: String) throws {
        let fault = try fault(JSONPatch([.remove(#require(JSONPointer(member)))]).applied(to: value(Self.full())))
        #expect(fault?.path == path)
    }

    @Test(arguments: [
        ("/id", "$.id"), ("/time", "$.time"), ("/data/reason", "$.data.reason"), ("/data/stage", "$.data.stage"),
        ("/data/attempts", "$.data.attempts"),
        ("/data/faults", "$.data.faults"), ("/data/original", "$.data.original"),
        ("/data/original/redelivered", "$.data.original.redelivered"),
        ("/data/original/headers", "$.data.original.headers"), ("/data/original/bytes", "$.data.original.bytes"),
        ("/data/worker", "$.data.worker"),
    ])
    func aFaultHoldsNoValue(member: String, path: String) throws {
        let place = try #require(JSONPointer(member))
        let broken = try JSONPatch([.replace(place, .string("CANARY"))]).applied(to: value(Self.full()))
        let fault = try #require(self.fault(broken))
        #expect(fault.path == path && !fault.description.contains("CANARY"), "\(fault)")
    }

    @Test(arguments: ["/data/explanation", "/data/merchantId", "/data/original/messageId", "/data/original/body", "/data/worker/mapping"])
    func aTextOfAnotherKindIsNoText(member: String) throws {
        #expect(try fault(JSONPatch([.replace(#require(JSONPointer(member)), .integer(7))]).applied(to: value(Self.full()))) != nil)
    }

    @Test func aBinaryBodyThatIsNoBase64IsAFault() throws {
        let letter = Self.full(body: [0xFF])
        let broken = try JSONPatch([.replace(#require(JSONPointer("/data/original/bodyBase64")), .string("CANARY?"))]).applied(
            to: value(letter))
        #expect(fault(broken)?.path == "$.data.original.bodyBase64")
        #expect(fault(broken)?.description.contains("CANARY") == false)
    }

    @Test func rubbishIsAFault() {
        for bytes in [
            [], [0xFF], Array("{}".utf8), Array("null".utf8),
            LetterRecord(id: .numbered(1), at: .in2026(0), by: .ada, act: .discarded([])).encoded(),
        ] {
            guard case .failure = DeadLetter.decode(bytes) else {
                Issue.record("\(String(decoding: bytes, as: UTF8.self)) was taken")
                continue
            }
        }
    }

    // MARK: The id

    private func letter(
        _ reason: DeadLetterReason = .noCardKey, _ stage: Stage = .intake, message: String?, source: String? = "shop",
        merchant: MerchantID? = nil,
        stored: String, identity: String, at seconds: Int64 = 0
    ) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: "at \(seconds)", stage: stage, attempts: Int(seconds),
            subject: DeadLetter.Subject(merchantID: merchant),
            original: DeadLetter.Original(
                exchange: "", routingKey: "", redelivered: seconds > 0, messageID: message, type: nil, contentType: nil, correlationID: nil,
                replyTo: nil, headers: [], redactedBody: Array(stored.utf8), originalByteCount: 1),
            source: source, identity: Array(identity.utf8), worker: DeadLetter.Worker(id: "w-\(seconds)", host: "h", version: "v"),
            writtenAt: .in2026(seconds))
    }

    @Test func theSameDeathHasTheSameIDHoweverItsTokenWasSealed() {
        let first = letter(message: nil, stored: "sealed one way", identity: "redacted")
        #expect(letter(message: nil, stored: "sealed another way", identity: "redacted", at: 9).id == first.id)
        #expect(letter(message: nil, stored: "sealed one way", identity: "another message").id != first.id)
    }

    @Test func aMessageWithAnIDIsKnownByIt() {
        let first = letter(message: "m-1", stored: "a", identity: "a")
        #expect(letter(message: "m-1", stored: "b", identity: "b", at: 9).id == first.id)
        #expect(letter(message: "m-2", stored: "a", identity: "a").id != first.id)
    }

    /// Ids are unique within their source only, and two merchants have orders of the same name.
    @Test func theSameIDOfAnotherPublisherIsAnotherLetter() {
        let all = [
            letter(message: "m-1", stored: "a", identity: "a"), letter(message: "m-1", source: "another", stored: "a", identity: "a"),
            letter(message: "m-1", merchant: "acme", stored: "a", identity: "a"),
            letter(message: "m-1", merchant: "bold", stored: "a", identity: "a"),
            letter(message: "m-1", source: nil, stored: "a", identity: "a"),
            letter(message: "m-1", source: nil, stored: "b", identity: "b"),
        ]
        #expect(Set(all.map(\.id)).count == all.count)
    }

    @Test func everyCauseAtEveryStageIsALetterOfItsOwn() {
        var ids: Set<UUID5> = []
        for reason in DeadLetterReason.allCases {
            for stage in Stage.allCases { ids.insert(letter(reason, stage, message: "m-1", stored: "a", identity: "a").id) }
        }
        #expect(ids.count == DeadLetterReason.allCases.count * Stage.allCases.count)
    }

    /// AMQP's tables may hold a name twice, and two spellings of é are two names.
    @Test func aLetterWhoseMessageHadAHeaderTwiceCanBeRead() throws {
        for names in [["a", "a"], ["\u{E9}", "e\u{301}"]] {
            let letter = DeadLetter(
                reason: .unreadable, explanation: "", stage: .intake,
                original: DeadLetter.Original(
                    exchange: "", routingKey: "", redelivered: false, messageID: nil, type: nil, contentType: nil, correlationID: nil,
                    replyTo: nil,
                    headers: names.map { .init(name: $0, value: "1") }, redactedBody: [], originalByteCount: 0),
                identity: [], worker: DeadLetter.Worker(id: "", host: "", version: ""), writtenAt: .in2026(0))
            guard case .success(let back) = DeadLetter.decode(letter.encoded()) else {
                Issue.record("\(names): lost to every operator")
                continue
            }
            #expect(!back.original.headers.isEmpty)
        }
    }
}
