package import DeclineRecovery
package import JSON
import Pipeline

/// What the mapping page asks: how one decline is decided, what nobody decides, and what another mapping would do. Changes nothing.
extension ConsoleAPI {
    func mappingOptions() -> JSONValue {
        .object(of: [
            ("sources", .array(DeclineTables.builtIn.gateways.map { .string($0.source) })),
            ("merchants", .array(merchants().map { .string($0.id.text) })),
            ("orderTypes", .array(OrderType.allCases.map { .string($0.rawValue) })),
        ])
    }

    /// What a question says besides a whole event, which says all of it.
    private static let parts = ["merchant", "gateway", "source", "code", "text", "advice", "networkCode", "crmClass", "orderType"]

    func explain(_ body: JSONValue) throws(ConsoleError) -> JSONValue {
        try body.allow(Set(Self.parts + ["event"]))
        func given(_ name: String) throws(ConsoleError) -> String? { try body.text(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let event = try body.text("event"), !event.allSatisfy(\.isWhitespace) {
            for name in Self.parts {
                guard try given(name) != nil else { continue }
                throw .badRequest("\(name): an event says all of it, and both are given.", "Leave out the event, or all else.")
            }
            return try explain(event: event)
        }
        let (code, text) = (try given("code"), try given("text"))
        if code == nil, text == nil {
            throw .badRequest("There is no code.", "Give a code, a response text, or a whole event.")
        }
        let merchant = try merchant(given("merchant"))
        func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) throws(ConsoleError) -> Word?
        where Word.RawValue == String {
            guard let text = try given(name) else { return nil }
            guard let word = Word(rawValue: text) else {
                throw .unexpected(name, text, expected: Word.allCases.map(\.rawValue).joined(separator: " or "))
            }
            return word
        }
        let decline = Decline(
            gatewayID: GatewayID(try given("gateway") ?? ""), responseCodeSource: try given("source") ?? "", responseCode: code ?? "",
            responseText: text, merchantAdviceCode: try given("advice"), networkCode: try given("networkCode"), transactionID: "",
            crmClass: try word("crmClass", DeclineClass.self))
        let orderType = try word("orderType", OrderType.self) ?? .newSale
        return Self.explanation(DeclineMapping.explain(DeclineCase(decline, orderType: orderType), merchant: merchant), route: nil)
    }

    private func merchant(_ id: String?) throws(ConsoleError) -> Merchant {
        guard let id else { return Merchant(id: "(none)", flexFactorGateways: []) }
        guard let merchant = merchants().first(where: { $0.id == MerchantID(id) }) else {
            throw ConsoleError(
                status: 422, what: "The configuration has no merchant \(id.prefix(64)).\(MerchantID(id).spelling)",
                advice: "Choose one that it has, or none.")
        }
        return merchant
    }

    private func explain(event text: String) throws(ConsoleError) -> JSONValue {
        switch CRMMessage.decode(Array(text.utf8)) {
        case .decline(let event):
            let merchant = merchants().first { $0.id == event.merchantID }
            let steps = DeclineMapping.explain(
                DeclineCase(event), merchant: merchant ?? Merchant(id: event.merchantID, flexFactorGateways: []))
            let route = merchant.flatMap { merchant in
                steps.first(where: \.decides)?.says.map { Router.route(event, $0, merchant: merchant, now: tools.clock.now()) }
            }
            return Self.explanation(steps, route: route)
        case .cancel: throw ConsoleError(status: 422, what: "This is a cancel command, not a decline.", advice: "Paste a decline event.")
        case .refund: throw ConsoleError(status: 422, what: "This is a refund command, not a decline.", advice: "Paste a decline event.")
        case .rejected(let rejected):
            throw ConsoleError(
                status: 422, what: "The event would be rejected.", advice: "Each fault names its place.", faults: rejected.faults)
        case .unreadable(let error): throw .notJSON(error, in: text)
        }
    }

    /// The declines of the last thirty days that nobody decided, or only their text.
    func gaps() async throws(ConsoleError) -> JSONValue {
        try requireBroker()
        let since = tools.clock.now() + .days(-30)
        var replay = MappingReplay()
        for record in try await declines(since) { replay.note(record) }
        return replay.gapsJSON(since: since, limit: 200)
    }

    private static func explanation(_ steps: [DeclineMapping.Step], route: Route?) -> JSONValue {
        let decision = steps.first(where: \.decides)?.says
        return .object(of: [
            ("class", .text(decision?.declineClass.rawValue)), ("rule", .text(decision?.rule)),
            ("why", .text(decision?.sentence)),
            ("insufficientFunds", .bool(decision?.isInsufficientFunds ?? false)),
            ("confidence", .text(decision?.confidence.rawValue)),
            ("category", .text(decision?.category?.rawValue)),
            ("route", route.map { .object(of: [("word", .string($0.words.word)), ("detail", .string($0.words.detail))]) }),
            ("steps", LetterView.steps(steps)),
        ])
    }

    private func declines(_ since: Moment) async throws(ConsoleError) -> [JournalRecord] {
        do throws(BrokerFailure) {
            return try await JournalReader.readDeclines(since: since, in: store.broker.journal)
        } catch {
            throw .broker(error)
        }
    }

    /// The declines of the last thirty days asked again, of one merchant or of all, under a mapping that nobody uses yet.
    func whatIf(_ body: JSONValue) async throws(ConsoleError) -> JSONValue {
        try body.allow(["draft", "merchant"])
        guard let yaml = try body.text("draft"), !yaml.allSatisfy(\.isWhitespace) else {
            throw .badRequest("There is nothing to try.", "Write rules, or a policy, as they would stand in the configuration.")
        }
        let chosen = try body.text("merchant").flatMap { $0.isEmpty ? nil : $0 }
        let merchants = try chosen.map { id throws(ConsoleError) in [try merchant(id)] } ?? merchants()
        if merchants.isEmpty {
            throw ConsoleError(
                status: 422, what: "This console runs without a configuration.",
                advice: "Start it with the configuration whose mapping you want to change.")
        }
        var tried: [MerchantID: Merchant] = [:]
        for merchant in merchants {
            do throws(DraftFaults) {
                tried[merchant.id] = try draft(yaml, merchant)
            } catch {
                throw ConsoleError(
                    status: 422, what: "The draft cannot be read.", advice: "Write it as it would stand beneath the merchant.",
                    faults: error.faults)
            }
        }
        try requireBroker()
        let since = tools.clock.now() + .days(-30)
        var replay = MappingReplay()
        for record in try await declines(since) where chosen == nil || record.merchantID.map({ tried[$0] != nil }) == true {
            replay.ask(record, again: tried)
        }
        return .object(of: [
            ("since", .integer(since.milliseconds)), ("asked", .integer(Int64(replay.asked))),
            ("unanswerable", .integer(Int64(replay.unanswerable))),
            ("changed", .integer(Int64(replay.changes.reduce(0) { $0 + $1.count }))),
            (
                "changes",
                .array(
                    replay.changes.prefix(200).map { change in
                        .object(of: [
                            ("source", .string(change.source)), ("code", .string(change.code)), ("was", .string(change.was.rawValue)),
                            ("becomes", .string(change.becomes.rawValue)), ("rule", .string(change.rule)),
                            ("count", .integer(Int64(change.count))),
                            (
                                "worth",
                                .array(
                                    change.amounts.sorted { $0.key < $1.key }.map { currency, units in
                                        .object(of: [("currency", .string(currency)), ("minorUnits", .integer(units))])
                                    })
                            ),
                        ])
                    })
            ),
        ])
    }
}

extension MappingReplay {
    /// What nobody decided, or only its text, for the command's `--json` and for the console alike.
    package func gapsJSON(since: Moment, limit: Int = .max) -> JSONValue {
        .object(of: [
            ("since", .integer(since.milliseconds)),
            (
                "gaps",
                .array(
                    openGaps.prefix(limit).map { gap in
                        .object(of: [
                            ("merchantId", .text(gap.merchantID?.text)), ("source", .string(gap.source)),
                            ("code", .string(gap.code)),
                            ("text", .text(gap.text)), ("rule", .string(gap.rule)), ("class", .string(gap.declineClass.rawValue)),
                            ("count", .integer(Int64(gap.count))), ("last", .integer(gap.last.milliseconds)),
                            ("paste", .string(gap.ruleToPaste)),
                        ])
                    })
            ),
        ])
    }
}

/// Why a mapping that somebody wants to try cannot be read: each fault with its place.
package struct DraftFaults: Error, Sendable, Equatable {
    package let faults: [FieldError]

    package init(_ faults: [FieldError]) { self.faults = faults }
}
