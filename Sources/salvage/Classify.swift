import ArgumentParser
import DeclineRecovery
import JSON
import Operations
import Service

struct Classify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a decline is soft or hard, and why, rule by rule.",
        discussion: """
            By code:   salvage classify --source nmi --code 252
            By event:  salvage classify --event decline.json --config salvage.yaml   (says the route as well)
            In bulk:   salvage classify --event declines.ndjson --json   (a line for each event with its id; goes on after a rejected one, exit status 1)
            Measured:  salvage classify --corpus declines.csv   (columns source, code, text, network_code, advice, said_class, plain)
            The merchant's own rules need --merchant and the configuration (--config, SALVAGE_CONFIG, or salvage.yaml of this folder).
            """)

    @Option(help: "Whose code list the code belongs to: nmi, stripe, authorize.net, iso8583, visa, mastercard ...")
    var source: String?
    @Option(help: "The response code, as the gateway gave it.")
    var code: String?
    @Option(help: "The response text.")
    var text: String?
    @Option(help: "The merchant advice code.")
    var advice: String?
    @Option(help: "The CRM's own class: soft or hard.")
    var crmClass: String?
    @Option(help: "The merchant whose rules apply.")
    var merchant: String?
    @Option(help: "The gateway that declined, by its id.")
    var gateway: String?
    @Option(help: "new_sale or recurring.")
    var orderType = OrderType.newSale.rawValue
    @Option(help: ArgumentHelp("A decline event to classify and route instead.", valueName: "file"))
    var event: String?
    @Option(help: ArgumentHelp("The issuer's or the network's own code.", valueName: "code"))
    var networkCode: String?
    @Option(help: "The card's network: visa, mastercard, amex, discover ...")
    var network: String?
    @Option(help: ArgumentHelp("Declines with what is said of them, to measure the mapping against (CSV).", valueName: "file"))
    var corpus: String?
    @OptionGroup var config: ConfigOption
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if event == nil, corpus == nil, source == nil || code == nil && text == nil && networkCode == nil {
            throw ValidationError("Give --source with --code or --text, or --event, or --corpus.")
        }
        if event != nil, corpus != nil { throw ValidationError("Give either --event or --corpus.") }
        if OrderType(rawValue: orderType) == nil {
            throw ValidationError("--order-type: expected new_sale or recurring, found '\(orderType)'.")
        }
        if let crmClass, DeclineClass(rawValue: crmClass) == nil {
            throw ValidationError("--crm-class: expected soft or hard, found '\(crmClass)'.")
        }
        let ofACode = [
            ("source", source), ("code", code), ("text", text), ("advice", advice), ("crm-class", crmClass), ("gateway", gateway),
            ("network-code", networkCode), ("network", network), ("merchant", event == nil ? nil : merchant),
        ]
        if let network, CardNetwork(brand: network) == nil {
            let known = CardNetwork.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--network: expected one of \(known), found '\(network)'.")
        }
        if corpus != nil, let (name, _) = ofACode.first(where: { $0.1 != nil }) {
            throw ValidationError("--corpus holds all of it; leave out --\(name).")
        }
        if event != nil, let (name, _) = ofACode.first(where: { $0.1 != nil }) {
            throw ValidationError("--event holds all of it; leave out --\(name).")
        }
        if event != nil, orderType != OrderType.newSale.rawValue {
            throw ValidationError("--event holds all of it; leave out --order-type.")
        }
        if merchant != nil, config.path == nil { throw ValidationError("--merchant needs --config, where its rules are.") }
    }

    func run() async throws {
        let configuration = try config.configuration()
        if let event { return try classify(event: event, configuration) }
        if let source, DeclineTables.builtIn.table(of: source) == nil {
            let nearest = DeclineTables.builtIn.nearestSource(to: source).map { " The nearest is \($0)." } ?? ""
            Terminal.complain("Note: there is no table of the codes of \(source); its code says nothing by itself.\(nearest)")
        }
        var chosen = Merchant(id: "(none)", flexFactorGateways: [])
        if let merchant {
            guard let found = configuration?.merchants[MerchantID(merchant)] else {
                throw ExitCode.misuse("\(config.path ?? "") has no merchant \(merchant).\(MerchantID(merchant).spelling)")
            }
            chosen = found
            let gateways = Set(found.gateways.keys).union(found.flexFactorGateways.keys)
            if let gateway, !gateways.contains(GatewayID(gateway)) {
                Terminal.complain("Note: the merchant \(merchant) has no gateway \(gateway); rules for gateways do not apply.")
            }
        }
        if let corpus {
            return try CorpusReport(file: corpus, orderType: OrderType(rawValue: orderType) ?? .newSale, merchant: chosen, asJSON: json)
                .show()
        }
        let decline = Decline(
            gatewayID: GatewayID(gateway ?? ""), responseCodeSource: source ?? "", responseCode: code ?? "", responseText: text,
            merchantAdviceCode: advice, networkCode: networkCode, network: network, transactionID: "",
            crmClass: crmClass.flatMap { DeclineClass(rawValue: $0) })
        let question = DeclineCase(decline, orderType: OrderType(rawValue: orderType) ?? .newSale)
        show(DeclineMapping.explain(question, merchant: chosen), route: nil)
    }

    /// Each event of the file by itself: one that would be rejected says so, and the next is heard.
    private func classify(event file: String, _ configuration: SalvageConfiguration?) throws {
        let events = try DeclineFile().read(file)
        var isFaulty = false
        for event in events {
            switch CRMMessage.decode(event.body) {
            case .decline(let decline):
                let merchant = configuration?.merchants[decline.merchantID]
                if configuration != nil, merchant == nil {
                    fail(event, ["\(config.path ?? "") has no merchant \(decline.merchantID).\(decline.merchantID.spelling)"])
                    isFaulty = true
                    continue
                }
                let rules = merchant ?? Merchant(id: decline.merchantID, flexFactorGateways: [])
                let steps = DeclineMapping.explain(DeclineCase(decline), merchant: rules)
                let decision = steps.first(where: \.decides)?.says
                let route = merchant.flatMap { merchant in
                    decision.map { Router.route(decline, $0, merchant: merchant, now: SystemClock().now()) }
                }
                show(steps, route: route, of: event, isOneOfMany: events.count > 1, notes: decline.notes)
                continue
            case .cancel: fail(event, ["it is a cancel command, not a decline."])
            case .refund: fail(event, ["it is a refund command, not a decline."])
            case .rejected(let rejected): fail(event, rejected.faults.map { "\($0.path): \($0.message)" })
            case .unreadable(let error): fail(event, [error.description])
            }
            isFaulty = true
        }
        if isFaulty { throw ExitCode.failure }
    }

    private func fail(_ event: FileEvent, _ faults: [String]) {
        for fault in faults { Terminal.complain("\(event.label)\(event.eventID.map { " (\($0))" } ?? ""): \(fault)") }
        guard json else { return }
        var text = JSONWriter()
        text.object { object in
            object.optional("id", event.eventID)
            object.member("event", event.label)
            object.array("faults") { list in
                for fault in faults { list.element(fault) }
            }
        }
        Terminal.show(bytes: text.bytes)
    }

    private func show(
        _ steps: [DeclineMapping.Step], route: Route?, of event: FileEvent? = nil, isOneOfMany: Bool = false, notes: [FieldError] = []
    ) {
        guard let decision = steps.first(where: \.decides)?.says else { return }
        let way = route?.words
        if json {
            var text = JSONWriter()
            text.object { object in
                if let event {
                    object.optional("id", event.eventID)
                    object.member("event", event.label)
                }
                object.member("class", decision.isNoDecline ? "rejected" : decision.declineClass.rawValue)
                object.optional("category", decision.category?.rawValue)
                object.member("confidence", decision.confidence.rawValue)
                object.member("rule", decision.rule)
                object.member("why", decision.sentence)
                object.member("insufficientFunds", decision.isInsufficientFunds)
                if !notes.isEmpty {
                    object.array("notes") { list in
                        for note in notes { list.element("\(note.path): \(note.message)") }
                    }
                }
                if let way {
                    object.member("route", way.word)
                    object.member("routeDetail", way.detail)
                }
                object.member("steps", LetterView.steps(steps))
            }
            return Terminal.show(bytes: text.bytes)
        }
        if let event, isOneOfMany { Terminal.show(event.eventID.map { "\($0)  (\(event.label))" } ?? event.label) }
        let isSoft = decision.declineClass == .soft
        Terminal.show("\(Terminal.paint(decision.declineClass.rawValue, isSoft ? .green : .red))  \(decision.sentence)")
        Terminal.show("rule: \(decision.rule)\(decision.isInsufficientFunds ? "  (insufficient funds)" : "")")
        Terminal.show("confidence: \(decision.confidence.rawValue)")
        for note in notes { Terminal.show("note: \(note.path): \(note.message)") }
        if let way { Terminal.show("route: \(way.word) \(way.detail)") }
        Terminal.show()
        Terminal.table(
            ["asked in this order", "says", "why"],
            steps.map { step in
                [(step.decides ? "> " : "  ") + step.authority.rawValue, step.says?.declineClass.rawValue ?? "-", step.why ?? ""]
            },
            colour: { steps[$0].decides ? nil : .dim })
    }
}
