import ArgumentParser
import DeclineRecovery
import Service

struct Classify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a decline is soft or hard, and why, rule by rule.",
        discussion: """
            By code:   salvage classify --source nmi --code 252
            By event:  salvage classify --event decline.json --config salvage.yaml   (says the route as well)
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
    @OptionGroup var config: ConfigOption
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if event == nil, source == nil || code == nil { throw ValidationError("Give --source and --code, or --event.") }
        if OrderType(rawValue: orderType) == nil { throw ValidationError("--order-type must be new_sale or recurring.") }
        if let crmClass, DeclineClass(rawValue: crmClass) == nil { throw ValidationError("--crm-class must be soft or hard.") }
        let ofACode = [("source", source), ("code", code), ("text", text), ("advice", advice), ("crm-class", crmClass), ("gateway", gateway), ("merchant", merchant)]
        if event != nil, let (name, _) = ofACode.first(where: { $0.1 != nil }) { throw ValidationError("--event holds all of it; leave out --\(name).") }
        if merchant != nil, config.path == nil { throw ValidationError("--merchant needs --config, where its rules are.") }
    }

    func run() async throws {
        let configuration = try config.configuration()
        if let event { return try classify(event: event, configuration) }
        if let source, DeclineTables.builtIn.table(of: source) == nil {
            Terminal.complain("Note: there is no table of the codes of \(source); its code says nothing by itself.")
        }
        var chosen = Merchant(id: "(none)", flexFactorGateways: [])
        if let merchant {
            guard let found = configuration?.merchants[MerchantID(merchant)] else {
                throw ExitCode.misuse("\(config.path ?? "") has no merchant \(merchant).")
            }
            chosen = found
            let gateways = Set(found.gateways.keys).union(found.flexFactorGateways.keys)
            if let gateway, !gateways.contains(GatewayID(gateway)) {
                Terminal.complain("Note: the merchant \(merchant) has no gateway \(gateway); rules for gateways do not apply.")
            }
        }
        let decline = Decline(
            gatewayID: GatewayID(gateway ?? ""), responseCodeSource: source ?? "", responseCode: code ?? "", responseText: text,
            merchantAdviceCode: advice, transactionID: "", crmClass: crmClass.flatMap { DeclineClass(rawValue: $0) })
        show(DeclineMapping.explain(decline, orderType: OrderType(rawValue: orderType) ?? .newSale, merchant: chosen), route: nil)
    }

    private func classify(event file: String, _ configuration: SalvageConfiguration?) throws {
        for event in try DeclineFile().read(file) {
            switch CRMMessage.decode(event.body) {
            case .decline(let decline):
                let merchant = configuration?.merchants[decline.merchantID]
                if configuration != nil, merchant == nil { throw ExitCode.misuse("\(config.path ?? "") has no merchant \(decline.merchantID).") }
                let rules = merchant ?? Merchant(id: decline.merchantID, flexFactorGateways: [])
                let steps = DeclineMapping.explain(decline.decline, orderType: decline.order.type, merchant: rules)
                let decision = steps.first(where: \.decides)?.says
                let route = merchant.flatMap { merchant in decision.map { Router.route(decline, $0, merchant: merchant, now: SystemClock().now()) } }
                show(steps, route: route)
            case .cancel: throw ExitCode.misuse("\(event.label) is a cancel command, not a decline.")
            case .refund: throw ExitCode.misuse("\(event.label) is a refund command, not a decline.")
            case .rejected(let rejected):
                for fault in rejected.faults { Terminal.complain("\(fault.path): \(fault.message)") }
                throw ExitCode.failure
            case .unreadable(let error):
                Terminal.complain("\(event.label): \(error)")
                throw ExitCode.failure
            }
        }
    }

    private func show(_ steps: [DeclineMapping.Step], route: Route?) {
        guard let decision = steps.first(where: \.decides)?.says else { return }
        let way = route.map { route in
            switch route {
            case .cascade(let gateway): (word: "cascade", detail: "to FlexFactor gateway \(gateway.id)")
            case .retry(let gateway): (word: "retry", detail: "by FlexFactor gateway \(gateway.id)")
            case .skip(let reason): (word: "skip", detail: "\(reason.rawValue): \(reason.sentence)")
            }
        }
        if json {
            var text = JSONWriter()
            text.object { object in
                object.member("class", decision.declineClass.rawValue)
                object.member("rule", decision.rule)
                object.member("why", decision.sentence)
                object.member("insufficientFunds", decision.isInsufficientFunds)
                if let way {
                    object.member("route", way.word)
                    object.member("routeDetail", way.detail)
                }
                object.array("steps") { list in
                    for step in steps {
                        list.object { entry in
                            entry.member("asked", step.voice.rawValue)
                            entry.optional("says", step.says?.declineClass.rawValue)
                            entry.optional("why", step.why)
                            entry.member("decides", step.decides)
                        }
                    }
                }
            }
            return Terminal.show(String(decoding: text.bytes, as: UTF8.self))
        }
        let isSoft = decision.declineClass == .soft
        Terminal.show("\(Terminal.paint(decision.declineClass.rawValue, isSoft ? .green : .red))  \(decision.sentence)")
        Terminal.show("rule: \(decision.rule)\(decision.isInsufficientFunds ? "  (insufficient funds)" : "")")
        if let way { Terminal.show("route: \(way.word) \(way.detail)") }
        Terminal.show()
        Terminal.table(
            ["asked in this order", "says", "why"],
            steps.map { step in
                [(step.decides ? "> " : "  ") + step.voice.rawValue, step.says?.declineClass.rawValue ?? "-", step.why ?? ""]
            },
            colour: { steps[$0].decides ? nil : .dim })
    }
}
