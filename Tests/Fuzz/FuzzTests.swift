import CRabbitMQ
import Foundation
import JSON
import TestSupport
import Testing

@testable import Broker
@testable import DeclineRecovery
@testable import FlexFactor
@testable import Pipeline

/// No input ends a process: every decoder, and what goes on with what it read, is fed with mutated samples for as long as
/// `SALVAGE_FUZZ_SECONDS` says. What would end a worker ends this test's process; the seed that was printed brings it there again.
@Suite struct FuzzTests {
    private struct Subject {
        let name: String
        let samples: [[UInt8]]
        let feed: ([UInt8], inout Mutation) async -> Void
    }

    @Test func noInputEndsAProcess() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["SALVAGE_FUZZ_SECONDS"].flatMap(Double.init) ?? 5
        let seed = environment["SALVAGE_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("fuzzing for \(seconds) s with SALVAGE_FUZZ_SEED=\(seed)")
        let subjects = try await Self.subjects()
        var counts = [Int](repeating: 0, count: subjects.count)
        let end = ContinuousClock.now + .seconds(seconds)
        var slowest = (Duration.zero, "")
        var round: UInt64 = 0
        while ContinuousClock.now < end {
            for (index, subject) in subjects.enumerated() {
                var mutation = Mutation(seed: seed &+ round &* 1_000_003 &+ UInt64(index))
                let input = mutation.of(subject.samples)
                let begin = ContinuousClock.now
                await subject.feed(input, &mutation)
                let time = ContinuousClock.now - begin
                if time > slowest.0 { slowest = (time, "\(subject.name), \(input.count) bytes, round \(round)") }
                counts[index] += 1
            }
            round += 1
        }
        print("fuzzed \(counts.reduce(0, +)) inputs; slowest: \(slowest.0) (\(slowest.1))")
        for (subject, count) in zip(subjects, counts) { print("  \(subject.name): \(count)") }
        #expect(counts.allSatisfy { $0 > 0 })
    }

    // MARK: What is fed

    private static func subjects() async throws -> [Subject] {
        let declines = try self.declines()
        let now = Moment(milliseconds: 1_800_000_000_000)
        let recovery = Recovery.sample(declinedAt: now)
        let envelopes = phases.map { phase in
            WorkEnvelope.encode(
                Recovery(
                    merchantID: recovery.merchantID, gatewayID: recovery.gatewayID, route: phase.0, reference: recovery.reference,
                    amount: recovery.amount,
                    declinedAt: now, order: recovery.order, verdict: recovery.verdict, reply: ReplyAddress(queue: "q", correlationID: "c"),
                    charge: recovery.charge, phase: phase.1, attempts: 3, failures: 3))
        }
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)], gateways: [Gateway(id: "7", type: "nmi")])
        let intake = IntakeStage(in: .sample(ManualClock(now)), merchants: Merchants(merchant))
        let cancel = Array(
            #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"acme","orderId":"A","purchaseId":"1","billingCycle":2}}"#
                .utf8)
        let cancellation = Cancellation(merchantID: "acme", reference: recovery.reference, gateways: ["42"], since: now).encoded()
        let webhook = Array(
            #"{"Event":"order.completed","ExternalOrderId":"A1B2-R7-88123-42","OrderId":"d35290d5","IsResent":false,"Amount":4999}"#.utf8)
        let handled = await [
            intake.handle(IncomingMessage(body: Array("{}".utf8))), intake.handle(IncomingMessage(body: declines[0] + [0x7D])),
        ]
        let letters = handled.flatMap(\.publishing).map(\.body)
        let jwe = Array(#"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiYSJ9.YWJj.YWJj.YWJj.YWJj"#.utf8)
        let key = try #require(CardKey.generate(kid: "a"))
        let keys = CardKeys([key])
        let sealed = keys.seal(CardToken("tok_1")).map { [Array($0.exposed.utf8)] } ?? []
        let times = ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05+01:30", "Fri, 02 Jan 2026 03:04:06 GMT"].map { Array($0.utf8) }
        let texts = hidden.map { Array($0.utf8) }
        let patch = Array(
            #"[{"op":"add","path":"/a/0","value":1},{"op":"move","from":"/a","path":"/b"},{"op":"test","path":"/b/0","value":1.0}]"#.utf8)
        let withheld = Withheld(
            GatewayCredentials(
                appKey: Secret("app-key-1"), appSecret: Secret("app-secret"), mid: "m",
                origin: try #require(Origin("https://api.example.com"))),
            authorization: Secret("Bearer jwt"), call: .evaluate(try #require(recovery.charge), idempotencyKey: UUID5(high: 1, low: 2)))
        return [
            Subject(name: "events", samples: declines + [cancel]) { bytes, mutation in
                let message = IncomingMessage(
                    body: bytes, messageID: mutation.pick(["", "m", String(repeating: "x", count: 300)]), correlationID: "c",
                    replyTo: "amq.rabbitmq.reply-to.g1h2AAdyZXBseUAxAAAElQAAAABrCQpk.YTmkLILNpiCI7AgmdbAmJg==",
                    redelivered: true, deliveries: mutation.number(), due: Moment(milliseconds: mutation.number()))
                let handled = await intake.handle(message)
                let published = handled.publishing(
                    from: .intake, at: Moment(milliseconds: mutation.number()), worker: "w", traceparent: nil)
                for message in published where message.body.count >= 1 << 20 { Issue.record("a message of \(message.body.count) bytes") }
            },
            Subject(name: "envelopes", samples: envelopes) { bytes, mutation in
                guard case .recovery(let recovery) = WorkEnvelope.decode(bytes) else { return }
                drive(recovery, &mutation)
                _ = WorkEnvelope.decode(WorkEnvelope.encode(recovery))
                _ = Forecaster(merchants: Merchants(merchant), now: Moment(milliseconds: mutation.number())).forecast(
                    bytes, at: .cascade)
            },
            Subject(name: "cancellations", samples: [cancellation]) { bytes, mutation in
                _ = CancelNotice.decode(bytes)
                guard case .success(var cancellation) = Cancellation.decode(bytes) else { return }
                for _ in 0..<4 where cancellation.nextCall != nil {
                    let answer: FlexFactorAnswer =
                        mutation.pick([.noSuchOrder, .cancelAccepted, .failed(.unknown(.unreadable("x")))]) ?? .noSuchOrder
                    _ = cancellation.learned(answer, now: Moment(milliseconds: mutation.number()), timing: RecoveryTiming())
                }
                _ = cancellation.encoded()
            },
            Subject(name: "webhooks", samples: [webhook]) { bytes, mutation in
                guard
                    let news = WebhookNews(
                        body: bytes, merchantID: "acme", gatewayID: "42", receivedAt: Moment(milliseconds: mutation.number()))
                else { return }
                _ = news.step(gateway: merchant.flexFactorGateways["42"])
                for answer in [FlexFactorAnswer.noSuchOrder, .failed(.unknown(.unreadable("x")))] {
                    _ = news.learned(
                        answer, isCancelRequested: mutation.pick([true, false]) ?? false, now: Moment(milliseconds: mutation.number()),
                        timing: RecoveryTiming(), owns: { _ in true })
                }
                _ = WebhookNews.decode(news.encoded())
            },
            Subject(name: "letters", samples: letters) { bytes, _ in
                guard case .success(let letter) = DeadLetter.decode(bytes) else { return }
                _ = letter.encoded()
                _ = (letter.handling, letter.handlingSentence, letter.original.json)
                _ = JournalRecord.decode(bytes)
            },
            Subject(
                name: "references",
                samples: ["A1B2C3D4E5-R7-88123-42", "A1-S0", "acme-A1-S0-abcdefghij", "~2D~41-U9223372036854775807"].map { Array($0.utf8) }
            ) { bytes, _ in
                let text = String(decoding: bytes, as: UTF8.self)
                if let reference = RecoveryReference(text) {
                    #expect(reference.text == text && RecoveryReference(reference.text) == reference)
                    _ = RecoveredOrder(reference)
                }
                _ = (UUID5(text), IPAddress.found(in: text), JSONPointer(text), Base64.decode(text), Currency(text))
            },
            Subject(name: "times", samples: times) { bytes, mutation in
                let text = String(decoding: bytes, as: UTF8.self)
                _ = (Moment(rfc3339: text)?.rfc3339, Moment(rfc1123: text)?.rfc1123)
                let moment = Moment(milliseconds: mutation.number())
                _ = (moment.rfc3339, moment.rfc1123, moment - Moment(milliseconds: mutation.number()), moment + .days(mutation.number()))
                _ = DelayLadder.entry(after: .milliseconds(mutation.number()), to: .retry)
            },
            Subject(name: "JWE", samples: [jwe] + sealed) { bytes, _ in
                guard let charge = recovery.charge else { return }
                let card = SealedCard(String(decoding: bytes, as: UTF8.self))
                _ = keys.hold(keyOf: card)
                if case .failure(let failure) = keys.open(card, of: charge) { _ = failure.description }
            },
            Subject(name: "patches", samples: [patch]) { bytes, _ in
                guard let value = try? JSONValue(parsing: bytes.span), let patch = try? JSONPatch(value) else { return }
                let document = JSONValue.object([.init("a", .array([.integer(1), .string("x")]))])
                guard let after = try? patch.applied(to: document) else { return }
                _ = JSONPatch.between(document, after)
            },
            Subject(name: "guard", samples: texts + declines) { bytes, _ in
                let redacted = CardDataGuard.redacted(bytes)
                _ = (CardDataGuard.redactedUnparsed(bytes), CardDataGuard.identity(of: bytes), CardDataGuard.isMarked(redacted))
                let text = String(decoding: bytes, as: UTF8.self)
                _ = (
                    CardDataGuard.finding(in: text), CardDataGuard.redacted(text), text.printable(), Inflate.unpacked(bytes, limit: 1 << 16)
                )
            },
            Subject(name: "FlexFactor's answers", samples: answers) { bytes, mutation in
                let response = HTTPResponse(status: mutation.pick([200, 400, 404, 409, 422, 500]) ?? 200, body: bytes)
                _ = FlexFactorResponse.fieldErrors(response, without: withheld)
                _ = FlexFactorResponse.refunded(response, without: withheld)
                _ = (FlexFactorResponse.page(response), FlexFactorResponse.cancelled(response), FlexFactorResponse.order(response, "g-1"))
                _ = (FlexFactorResponse.evaluated(response), FlexFactorResponse.captured(response))
                _ = (FlexFactorResponse.token(response), FlexFactorResponse.isItsOwn(response))
            },
            Subject(name: "AMQP tables", samples: tables) { bytes, _ in
                guard let table = Self.table(bytes) else { return }
                _ = table.fields.map { ($0.name, $0.value.text) }
            },
        ]
    }

    /// Some steps of a recovery's life with whatever time it is, and whatever FlexFactor says.
    private static func drive(_ start: Recovery, _ mutation: inout Mutation) {
        var recovery = start
        recovery.pickUp(redelivered: true, isCancelRequested: mutation.pick([true, false]) ?? false)
        for _ in 0..<6 {
            let now = Moment(milliseconds: mutation.number())
            guard case .call = recovery.next(now: now, timing: RecoveryTiming()) else { continue }
            let answer: FlexFactorAnswer =
                mutation.pick([.noSuchOrder, .cancelAccepted, .cancelRefused, .failed(.unknown(.unreadable("x")))]) ?? .noSuchOrder
            _ = recovery.learned(answer, now: now, timing: RecoveryTiming())
            _ = WorkEnvelope.encode(recovery)
        }
        _ = start.takenUp(now: Moment(milliseconds: mutation.number()))
    }

    private static let phases: [(RecoveryRoute, RecoveryPhase)] = {
        let now = Moment(milliseconds: 1_800_000_000_000)
        let cascade = RecoveryRoute.cascade(deadline: now + .seconds(60))
        let retry = RecoveryRoute.retry(.managed, until: now + .days(21))
        return [
            (cascade, .due), (cascade, .ready), (retry, .unanswered), (cascade, .capturing("f-1")), (retry, .watching("f-1", polls: 3)),
            (retry, .resting("f-1")),
            (retry, .closed(nil)), (cascade, .seeking("f-1")),
        ]
    }()

    private static let hidden = [
        "4012 8888 8888 1881", "\u{FF14}\u{FF10}12.8888.8888.1881", "\\u0034012888888881881", "%34012888888881881", "&#52;012888888881881",
        "cvv=737&pan=4012888888881881",
        "<card:cvv a='b'><![CDATA[737]]></card:cvv>", "'cvvNumber': '737'", "cvv: |\n  737", "NDAxMjg4ODg4ODg4MTg4MQ==",
        "34303132383838383838383831383831",
        "%B4012888888881881^A/B^29121010000000?", ";4012888888881881=29121010000?", #"{"name":"cvv","value":"737"}"#,
    ]

    private static let answers = [
        #"{"errors":{"Amount":["is wrong","4012888888881881"],"TraceId":["x"]}}"#,
        #"{"orders":{"data":[{"id":"1","externalOrderId":"A1B2C3D4E5-S0","status":7,"statusName":"Completed","amount":4999}]},"totalPages":9223372036854775807}"#,
    ].map { Array($0.utf8) }

    private static func declines() throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "schemas/examples/declines")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).sorted { $0.path < $1.path }
        let declines = try files.map { Array(try Data(contentsOf: $0)) }
        try #require(!declines.isEmpty)
        return declines
    }

    // MARK: AMQP

    private static let tables: [[UInt8]] = {
        let scratch = Scratch()
        let tables: [FieldTable] = [
            ["a": "text", "b": 7, "c": true],
            FieldTable([
                .init("t", .table(["u": .array([.integer(.min), .double(1.5), .void, .bytes([1, 2])])])),
                .init("d", .decimal(scale: 2, value: 9)),
            ]),
        ]
        return tables.map { table in
            var wire = scratch.table(table)
            var bytes = [UInt8](repeating: 0, count: 4_096)
            var offset = 0
            let status = bytes.withUnsafeMutableBytes {
                amqp_encode_table(amqp_bytes_t(len: $0.count, bytes: $0.baseAddress), &wire, &offset)
            }
            return status == 0 ? Array(bytes.prefix(offset)) : []
        }
    }()

    /// As the link reads it, by way of rabbitmq-c.
    private static func table(_ bytes: [UInt8]) -> FieldTable? {
        var pool = amqp_pool_t()
        init_amqp_pool(&pool, 4_096)
        defer { empty_amqp_pool(&pool) }
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { raw in
            var table = amqp_table_t()
            var offset = 0
            let status = amqp_decode_table(amqp_bytes_t(len: raw.count, bytes: raw.baseAddress), &pool, &table, &offset)
            var texts = RecurringTexts()
            return status == 0 ? FieldTable(table, &texts) : nil
        }
    }
}
