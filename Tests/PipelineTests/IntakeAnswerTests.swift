import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What whoever publishes to the declines exchange is told when nothing comes of it.
@Suite struct IntakeAnswerTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")],
        gateways: [Gateway(id: "7", type: "nmi"), Gateway(id: "8", type: "nmi")])

    private var environment: StageEnvironment { .sample(ManualClock(Self.now), cards: Vault(hasKey: false)) }

    private func stage(_ merchants: Merchant...) -> IntakeStage {
        IntakeStage(in: environment, merchants: Merchants(merchants.first ?? merchant))
    }

    private struct Answer {
        let message: StageMessage
        let event: JSONValue
        var data: JSONValue? { event["data"] }
        var reason: String? { data?["reason"]?["code"]?.string }
    }

    private func answers(_ handled: StageOutcome, replies: Bool = false) throws -> [Answer] {
        try handled.publishing.compactMap { message in
            switch message.destination {
            case .results where !replies, .reply where replies: Answer(message: message, event: try JSONValue(parsing: message.body.span))
            default: nil
            }
        }
    }

    private func letters(_ handled: StageOutcome) -> [DeadLetter] {
        handled.publishing.compactMap { message in message.destination == .deadLetters ? try? DeadLetter.decode(message.body).get() : nil }
    }

    private func message(_ text: String, id: String? = nil, replyTo: String? = nil) -> IncomingMessage {
        IncomingMessage(
            body: Array(text.utf8), messageID: id, correlationID: replyTo.map { _ in "one" }, replyTo: replyTo, exchange: "declines")
    }

    private func cancel(_ data: String) -> String {
        #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"acme",\#(data)}}"#
    }

    @Test func aRejectedEventIsToldUnderItsOrderTypeWithAllThatCouldBeRead() async throws {
        let text = """
            {"specversion":"1.0","id":"d-1","source":"s","type":"com.salvage.decline.v1","time":"2026-01-02T03:04:05Z","data":{"merchantId":"acme",\
            "trigger":"recycle","order":{"id":"A1","type":"recurring","billingCycle":7},"decline":{"gatewayId":"7","responseCodeSource":"nmi",\
            "responseCode":"201","transactionId":"T-1"}}}
            """
        let handled = await stage().handle(message(text))
        let answer = try #require(try answers(handled).first)
        #expect(answer.message.destination == .results(.recurring, .rejected) && answer.reason == "invalid_event")
        #expect(answer.data?["order"]?["type"]?.string == "recurring" && answer.data?["eventId"]?.string == "d-1")
        #expect(
            answer.data?["trigger"]?.string == "recycle" && answer.data?["transactionId"]?.string == "T-1"
                && answer.data?["final"]?.bool == true)
        let paths = answer.data?["faults"]?.array?.compactMap { $0["path"]?.string } ?? []
        #expect(
            Set(paths).isSuperset(of: [
                "$.data.order.purchaseId", "$.data.recovery", "$.data.amount", "$.data.billing", "$.data.paymentMethod",
            ]), "\(paths)")
        #expect(letters(handled).map(\.reason) == [.invalidEvent])
    }

    /// Whatever its id is, somebody waits for the order.
    @Test(arguments: ["", #""id":"","#, #""id":7,"#, #""id":"\#(String(repeating: "x", count: 129))","#, #""id":"\#(CardNumbers.visa)","#])
    func anEventWithoutAnIDThatCanBeToldIsCalledByItsLetters(id: String) async throws {
        let text = """
            {"specversion":"1.0",\(id)"source":"s","type":"com.salvage.decline.v1","time":"2026-01-02T03:04:05Z","data":{"merchantId":"acme",\
            "trigger":"initial","order":{"id":"A1","type":"new_sale"}}}
            """
        var ids: Set<String?> = []
        for name in [nil, ""] {
            let handled = await stage().handle(message(text, id: name))
            let answer = try #require(try answers(handled).first)
            let letter = try #require(letters(handled).first)
            #expect(answer.event["id"]?.string?.hasPrefix("event:\(letter.id)/rejected/") == true && letter.crmWasTold == .rejected)
            #expect(answer.data?["order"]?["id"]?.string == "A1" && answer.data?["merchantId"]?.string == "acme")
            #expect(answer.message.destination == .results(.newSale, .rejected))
            ids.insert(answer.event["id"]?.string)
        }
        #expect(ids.count == 1, "a repeat has the same")
    }

    /// Its recovery says which order it is of, and somebody waits for an answer to it.
    @Test(arguments: [CancelCommand.type, RefundCommand.type], ["", #""id":"","#, #""id":"\#(CardNumbers.visa)","#])
    func aCommandWithoutAnIDThatCanBeToldIsCalledByItsLetters(type: String, id: String) async throws {
        let reference = "A1-R7-88-7"
        let text =
            #"{"specversion":"1.0",\#(id)"source":"s","type":"\#(type)","data":{"merchantId":"acme","recoveryReference":"\#(reference)"}}"#
        var ids: Set<String?> = []
        for _ in 0..<2 {
            let handled = await stage().handle(message(text))
            let answer = try #require(try answers(handled).first)
            let letter = try #require(letters(handled).first)
            #expect(answer.event["id"]?.string?.hasPrefix("command:\(letter.id)/rejected/") == true && letter.crmWasTold == .rejected)
            #expect(answer.data?["order"]?["id"]?.string == "A1" && answer.data?["final"]?.bool == false)
            #expect(answer.message.destination == .results(.recurring, .rejected))
            ids.insert(answer.event["id"]?.string)
        }
        #expect(ids.count == 1, "a repeat has the same")
    }

    @Test(arguments: ["[1,2,3]", "{}", #"{"id":7,"data":{"merchantId":"acme"}}"#])
    func whatNamesNeitherItselfNorItsOrderIsALetterAlone(text: String) async throws {
        let handled = await stage().handle(message(text))
        #expect(try answers(handled).isEmpty)
        #expect(letters(handled).map(\.reason) == [.invalidEvent] && letters(handled).allSatisfy { $0.crmWasTold == nil })
    }

    @Test(arguments: [
        #""orderId":"A1","purchaseId":"88""#, #""recoveryReference":"nonsense""#, #""orderId":7"#,
    ])
    func aFaultyCancelIsNotCalledADecline(data: String) async throws {
        let answer = try #require(try answers(await stage().handle(message(cancel(data)))).first)
        #expect(answer.reason == "invalid_command" && answer.event["id"]?.string?.hasPrefix("command:c-1/rejected/") == true)
        #expect(answer.data?["reason"]?["message"]?.string?.contains("decline") == false && answer.data?["final"]?.bool == false)
    }

    @Test func aCancelOfACascadeIsAnsweredAtOnceAndIsNoLetter() async throws {
        let handled = await stage().handle(message(cancel(#""recoveryReference":"A1-S0""#), replyTo: "amq.gen-1"))
        for replies in [false, true] {
            let answer = try #require(try answers(handled, replies: replies).first)
            #expect(
                answer.event["type"]?.string == "com.salvage.recovery.nothing_to_cancel.v1" && answer.data?["order"]?["id"]?.string == "A1")
            #expect(answer.message.correlationID == "one")
        }
        #expect(letters(handled).isEmpty)
    }

    @Test func aCancelThatCannotBeCarriedOutIsAnswered() async throws {
        let rebill = #""orderId":"A1","purchaseId":"88","billingCycle":7"#
        let unknown = await stage(Merchant(id: "other", flexFactorGateways: [], gateways: [])).handle(message(cancel(rebill)))
        #expect(try answers(unknown).map(\.reason) == ["unknown_merchant"] && letters(unknown).map(\.reason) == [.unknownMerchant])
        #expect(try answers(unknown).first?.message.destination == .results(.recurring, .rejected))
        let unnamed = await stage(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")], gateways: [])).handle(
            message(cancel(rebill)))
        #expect(try answers(unnamed).map(\.reason) == ["invalid_command"] && letters(unnamed).count == 1)
    }

    @Test func whatIsNoJSONIsAnsweredWhereAnAnswerWasAskedFor() async throws {
        let asked = await stage().handle(message("no json", id: "odd-1", replyTo: "amq.gen-1"))
        let reply = try #require(try answers(asked, replies: true).first)
        #expect(reply.reason == "unreadable" && reply.event["id"]?.string?.hasPrefix("event:odd-1/rejected/") == true)
        #expect(reply.message.correlationID == "one")
        #expect(letters(asked).map(\.reason) == [.unreadable])
        let unasked = await stage().handle(message("no json", id: "odd-1"))
        #expect(try answers(unasked).isEmpty && letters(unasked).map(\.reason) == [.unreadable])
    }

    /// Whoever drops what has an id that he knows must hear what is wrong with the next.
    @Test func eachPublicationIsRejectedUnderAnIDOfItsOwn() async throws {
        let rebill = #""orderId":"A1","purchaseId":"88","billingCycle":7"#
        let reference = #""recoveryReference":"newco-A1-S0-kzqtwmhdxp""#
        func id(_ text: String) async throws -> String? {
            let stage = self.stage(Merchant(id: "other", flexFactorGateways: [], gateways: []))
            return try answers(await stage.handle(message(text, id: "c-1", replyTo: "amq.gen-1"))).first?.event["id"]?.string
        }
        for texts in [["no json", #"{"a":1,"a":2}"#], [cancel(#""orderId":"A1""#), cancel(reference), cancel(rebill)]] {
            var ids: [String?] = []
            for text in texts { ids.append(try await id(text)) }
            #expect(Set(ids).count == texts.count && ids.allSatisfy { $0?.contains(":c-1/rejected/") == true }, "\(ids)")
            for (text, first) in zip(texts, ids) { #expect(try await id(text) == first, "a repeat has the same") }
        }
    }

    /// Ids can hold anything, and the letter is named instead.
    @Test func anIDThatHoldsACardNumberIsNotToldBack() async throws {
        let number = try #require((0...9).map { "4000123412341" + "00\($0)" }.first { CardDataGuard.finding(in: $0) == .cardNumber })
        for text in ["no json", "{}"] {
            let handled = await stage().handle(message(text, id: number, replyTo: "amq.gen-1"))
            let letter = try #require(letters(handled).first)
            #expect(
                try answers(handled, replies: true).allSatisfy { $0.event["id"]?.string?.hasPrefix("event:\(letter.id)/rejected") == true })
            #expect(
                handled.publishing.allSatisfy {
                    !String(decoding: $0.body, as: UTF8.self).contains(number) && !$0.messageID.contains(number)
                })
        }
    }

    private struct Mends: MendDirectory {
        let letter = UUID5(high: 1, low: 2)

        func passed(_ event: DeclineEvent, as reference: RecoveryReference, trace: UUID5?, at now: Moment) -> [UUID5] { [letter] }
    }

    /// With what it leads to, and not after it: a pod that dies must not leave the letter behind.
    @Test func aMendedEventResolvesItsLettersWithWhatItLeadsTo() async throws {
        func handled(_ merchantID: String) async -> StageOutcome {
            let stage = IntakeStage(in: environment, merchants: Merchants(merchant), mends: Mends())
            return await stage.handle(
                message(
                    #"{"specversion":"1.0","id":"d-1","source":"s","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"merchantId":"\#(merchantID)","#
                        + #""trigger":"initial","order":{"id":"A1","type":"new_sale"},"decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"252","#
                        + #""transactionId":"T-1"},"amount":{"minorUnits":1,"currency":"USD"},"billing":{"firstName":"Ada","lastName":"B","countryCode":"DE","#
                        + #""addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t"}}}"#))
        }
        func records(_ handled: StageOutcome) -> [LetterRecord] {
            handled.publishing.compactMap { try? LetterRecord.decode($0.body).get() }
        }
        let taken = await handled("acme")
        #expect(records(taken).map(\.act.letters) == [[Mends().letter]] && records(taken).first?.by == .init(name: "w-1", means: .worker))
        #expect(
            records(taken).first.map { record in
                taken.publishing.contains { $0.messageID == record.id.description && $0.destination == .deadLetters }
            } == true)
        let rejected = await handled("nobody")
        #expect(records(rejected).isEmpty, "rejected again")
    }
}
