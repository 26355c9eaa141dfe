import DeclineRecovery
import FlexFactor
import FoundationEssentials
import Operations
import Yams

extension SalvageConfiguration {
    /// Reads a configuration file (behaviour.md §2).
    ///
    /// - Parameter isForWebhooks: whether the process takes webhooks and nothing else; of the secrets it reads those that verify them.
    package init(file: String, isForWebhooks: Bool = false) throws(ConfigurationError) {
        guard let text = WholeFile.text(of: file) else {
            throw ConfigurationError(
                file: file,
                faults: [ConfigurationFault(path: "", line: nil, message: WholeFile.fault(of: file))])
        }
        try self.init(yaml: text, file: file, secrets: SecretSources(besides: file, isForWebhooks: isForWebhooks))
    }

    /// - Parameter file: its name, for errors.
    init(yaml: String, file: String, secrets: SecretSources) throws(ConfigurationError) {
        let faults = ConfigurationFaults()
        var merchants: [Merchant] = []
        var credentials: [GatewayKey: GatewayCredentials] = [:]
        var access = ConsoleAccess()
        do {
            let root = ConfigurationNode(try Yams.compose(yaml: yaml) ?? Node(""), path: "", faults)
            for node in root.requiredObjects("merchants", "a list of at least one merchant") {
                let reader = MerchantReader(node, secrets)
                guard let merchant = reader.read() else { continue }
                // Ids that look the same are two, and nobody could tell them apart: texts are compared as people read them.
                if merchants.contains(where: { $0.id.text == merchant.id.text }) {
                    node.fault("id", "another merchant has this id: \(merchant.id)")
                }
                merchants.append(merchant)
                for (gateway, keys) in reader.credentials { credentials[GatewayKey(merchant.id, gateway)] = keys }
            }
            access = Self.access(root, secrets)
            root.end()
        } catch let error as YamlError {
            faults.add("", error.line, "not YAML: \(error.problem)")
        } catch {
            faults.add("", nil, "not YAML")
        }
        if !faults.all.isEmpty { throw ConfigurationError(file: file, faults: faults.all, secretFiles: secrets.files) }
        self.init(merchants: merchants, credentials: credentials, access: access, secretFiles: secrets.files)
    }

    /// `console: { access: [{ name, role, token }], secondPersonMinutes }`
    private static func access(_ root: ConfigurationNode, _ secrets: SecretSources) -> ConsoleAccess {
        guard let console = root.object("console") else { return ConsoleAccess() }
        var holders: [ConsoleAccess.Holder] = []
        var tokens: Set<String> = []
        // Of everybody who stands there: whose token cannot be read is an admin all the same.
        var admins = 0
        for node in console.objects("access") {
            let name = node.name("name")
            if !node.has("role") { node.fault("role", "missing; expected viewer, operator or admin") }
            let role = node.word("role", ConsoleRole.self, default: .viewer)
            if role == .admin { admins += 1 }
            if !node.has("token") {
                node.fault("token", "missing; expected a text of at least 24 characters, or { env: NAME } or { file: PATH }")
            }
            let token = node.secret("token", secrets.beyondWebhooks)
            node.end()
            if let name, holders.contains(where: { $0.name == name }) { node.fault("name", "another has this name") }
            guard let name, let token else { continue }
            if token.utf8.count < 24 {
                node.fault("token", "too short to be safe; expected at least 24 characters, e.g. of `openssl rand -base64 24`")
            }
            if secrets.beyondWebhooks.isRead, token.utf8.count > 1_024 || !token.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
                node.fault("token", "expected at most 1,024 letters, digits and signs of ASCII: it comes in a header")
            }
            if !tokens.insert(token).inserted { node.fault("token", "another has this token") }
            holders.append(ConsoleAccess.Holder(name: name, role: role, token: token))
        }
        var secondPerson: Moment.Span?
        if console.has("secondPersonMinutes") {
            secondPerson = .minutes(Int64(console.count("secondPersonMinutes", 1...1_440, default: 60)))
            if admins < 2 {
                console.fault("secondPersonMinutes", "expected two admins in access: nobody approves what he proposes himself")
            }
        }
        console.end()
        if console.isEmptyList("access") { console.fault("access", "expected at least one entry with name, role and token") }
        return ConsoleAccess(holders, secondPerson: secondPerson)
    }
}

extension YamlError {
    var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    /// What is wrong, without the text around it: that may be a key.
    var problem: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): problem
        case .duplicatedKeysInMapping: "a key stands twice in one place"
        default: "it cannot be parsed"
        }
    }
}

/// Reads one merchant and checks what its parts say of each other.
final class MerchantReader {
    private let node: ConfigurationNode
    private let secrets: SecretSources
    private(set) var credentials: [GatewayID: GatewayCredentials] = [:]

    init(_ node: ConfigurationNode, _ secrets: SecretSources) {
        self.node = node
        self.secrets = secrets
    }

    /// `nil` when the merchant has no id; the other faults are noted, and refuse the file as a whole.
    func read() -> Merchant? {
        // No decline could name another.
        let id = node.name("id", atMost: 64)
        let flexFactorGateways = node.requiredObjects("flexFactorGateways", "a list of at least one FlexFactor gateway")
            .compactMap(flexFactorGateway)
        let gateways = node.objects("gateways").compactMap { node in
            defer { node.end() }
            let cascade = node.optionalText("directCascade").map(CascadeProfileID.init(_:))
            // Without its type it is refused, and there all the same for what names it.
            let type = node.text("type") ?? ""
            return node.name("id").map { (Gateway(id: GatewayID($0), type: type.lowercased(), directCascade: cascade), node) }
        }
        let salvage = Set(flexFactorGateways.map(\.0.id))
        let others = Set(gateways.map(\.0.id))
        let cascadeProfiles = node.objects("cascadeProfiles").compactMap { node in
            defer { node.end() }
            let members = references(node, "members", known: salvage.union(others))
            return node.name("id").map { (CascadeProfile(id: CascadeProfileID($0), members: members), node) }
        }
        let cascades = Set(cascadeProfiles.map(\.0.id))
        let gatewayProfiles = node.objects("gatewayProfiles").compactMap { node in
            defer { node.end() }
            let members = references(
                node, "members", known: others, forbidden: salvage,
                because: "a FlexFactor gateway is for salvage only and has no place in an ATRI gateway profile")
            let cascade = node.optionalText("cascade").map(CascadeProfileID.init(_:))
            return node.name("id").map { (GatewayProfile(id: GatewayProfileID($0), members: members, cascade: cascade), node) }
        }
        let campaigns = node.objects("campaigns").compactMap { campaign($0, others, salvage) }

        for (gateway, node) in gateways { check(gateway.directCascade, node, "directCascade", cascades) }
        for (profile, node) in gatewayProfiles { check(profile.cascade, node, "cascade", cascades) }
        for (_, second) in flexFactorGateways.filter(\.0.cascadeAll).dropFirst() {
            second.fault("cascadeAll", "another gateway of this merchant sets cascadeAll; only one may")
        }
        unique(flexFactorGateways.map { ($0.id, $1) } + gateways.map { ($0.id, $1) }, "gateway")
        unique(cascadeProfiles.map { ($0.id, $1) }, "cascade profile")
        unique(gatewayProfiles.map { ($0.id, $1) }, "gateway profile")
        unique(campaigns.map { ($0.id, $1) }, "campaign")

        let recycling = recycleBilling(salvage, others)
        let rules = node.objects("declineMapping").compactMap { rule($0, salvage.union(others)) }
        let policy = policy()
        node.end()
        guard let id else { return nil }
        return Merchant(
            id: MerchantID(id), flexFactorGateways: flexFactorGateways.map(\.0), gateways: gateways.map(\.0),
            gatewayProfiles: gatewayProfiles.map(\.0), cascadeProfiles: cascadeProfiles.map(\.0), campaigns: campaigns.map(\.0),
            recycleBilling: recycling, mappingRules: rules, policy: policy)
    }

    // MARK: Parts

    private func flexFactorGateway(_ node: ConfigurationNode) -> (FlexFactorGateway, ConfigurationNode)? {
        defer { node.end() }
        let id = node.name("id").map(GatewayID.init(_:))
        let appKey = required(node, "appKey")
        let appSecret = required(node, "appSecret")
        if !node.has("mid") { node.fault("mid", "missing; expected FlexFactor's MID, a GUID") }
        let mid = node.parsed("mid", "a GUID", guid)
        let site = node.parsed("siteId", "a GUID", guid)
        let environmentKey = node.secret("environmentKey", secrets.beyondWebhooks)
        let signing = node.secrets("hmacSigningKey", secrets).compactMap { text in
            let key = HMACSigningKey(base64: text)
            if key == nil { node.fault("hmacSigningKey", "expected Base64 of at least 32 bytes, as FlexFactor's portal shows it") }
            return key
        }
        if signing.count > 2 { node.fault("hmacSigningKey", "expected one key, or two while they are being exchanged") }
        let origin = node.parsed("environment", "sandbox, production, or a base URL beginning with https:// (http:// on loopback only)") {
            text -> Origin? in
            switch text {
            case "sandbox": .sandbox
            case "production": .production
            default: Origin(text)
            }
        }
        if !node.has("environment") { node.fault("environment", "missing; expected sandbox, production or a base URL") }
        let authorities = node.authorities("authorityFile", secrets.beyondWebhooks)
        let rate = node.number("maxRequestsPerSecond", above: 0)
        let expiry = node.count("expiryDays", 1...21, default: 21)
        let cascadeAll = node.flag("cascadeAll")
        let chargebacks = node.flag("includeChargebacks")
        let retired = node.flag("retired")
        if retired, cascadeAll { node.fault("cascadeAll", "a retired gateway takes nothing new; take cascadeAll or retired away") }
        let fee = fee(node)
        let mode = node.word("mitMode", MITMode.self, default: .managed)
        guard let id else { return nil }
        if let appKey, let appSecret, let mid, let origin {
            credentials[id] = GatewayCredentials(
                appKey: Secret(appKey), appSecret: Secret(appSecret), mid: mid, siteID: site,
                environmentKey: environmentKey.map(Secret.init(_:)),
                signingKeys: signing, origin: origin, maxRequestsPerSecond: rate, authorities: authorities)
        }
        let gateway = FlexFactorGateway(
            id: id, expiryDays: expiry, cascadeAll: cascadeAll, includeChargebacks: chargebacks, mitMode: mode, account: mid,
            siteID: site, isProduction: origin == .production, isRetired: retired, fee: fee)
        return (gateway, node)
    }

    /// `fee: { percent, minorUnitsPerSale }`
    private func fee(_ gateway: ConfigurationNode) -> FlexFactorFee? {
        guard let node = gateway.object("fee") else { return nil }
        defer { node.end() }
        if !node.has("percent"), !node.has("minorUnitsPerSale") { gateway.fault("fee", "expected percent, minorUnitsPerSale or both") }
        return FlexFactorFee(
            basisPoints: node.basisPoints("percent") ?? 0, unitsPerSale: Int64(node.count("minorUnitsPerSale", 0...1_000_000, default: 0)))
    }

    private func required(_ node: ConfigurationNode, _ name: String) -> String? {
        if !node.has(name) { node.fault(name, "missing; expected its text, `file: PATH` or `env: NAME`") }
        return node.secret(name, secrets.beyondWebhooks)
    }

    private func guid(_ text: String) -> String? { UUID(uuidString: text).map { $0.uuidString.lowercased() } }

    private func campaign(_ node: ConfigurationNode, _ others: Set<GatewayID>, _ salvage: Set<GatewayID>) -> (Campaign, ConfigurationNode)?
    {
        defer { node.end() }
        let single = node.flag("singleTransaction")
        for product in node.objects("products") {
            _ = product.optionalText("id")
            _ = references(
                product, "gateways", known: others, forbidden: salvage,
                because: "a FlexFactor gateway is for salvage only and has no place on a campaign product")
            product.end()
        }
        return node.name("id").map { (Campaign(id: CampaignID($0), singleTransaction: single), node) }
    }

    private func recycleBilling(_ salvage: Set<GatewayID>, _ others: Set<GatewayID>) -> RecycleBilling {
        guard let node = node.object("recycleBilling") else { return RecycleBilling() }
        defer { node.end() }
        func gateway(_ name: String) -> GatewayID? {
            guard let id = node.optionalText(name).map(GatewayID.init(_:)) else { return nil }
            if !salvage.contains(id), !others.contains(id) { node.fault(name, "there is no gateway \(id)") }
            return id
        }
        let first = gateway("reattempts1To3")
        if let first, salvage.contains(first) {
            node.fault("reattempts1To3", "FlexFactor takes re-attempts 4-6 and 7-9 only, not gateway \(first) here")
        }
        return RecycleBilling(reattempts1To3: first, reattempts4To6: gateway("reattempts4To6"), reattempts7To9: gateway("reattempts7To9"))
    }

    func rule(_ node: ConfigurationNode, _ gateways: Set<GatewayID>) -> MappingRule? {
        defer { node.end() }
        let mid = node.optionalText("mid").map(GatewayID.init(_:))
        let type = node.optionalText("gateway")
        let code = node.optionalText("code")
        let text = node.optionalText("text")
        let orderType = node.parsed("orderType", "new_sale or recurring; leave it out for both") { OrderType(rawValue: $0) }
        let declineClass = node.parsed("class", "soft or hard") { DeclineClass(rawValue: $0) }
        let overrides = node.flag("overrideNetwork")
        let name = node.optionalText("name")
        let wholeWords = node.has("wholeWords") ? node.flag("wholeWords") : true
        if node.has("wholeWords"), text == nil { node.fault("wholeWords", "only a rule for a text has words") }
        if !node.has("class") { node.fault("class", "missing; expected soft or hard") }
        if overrides, declineClass == .hard { node.fault("overrideNetwork", "only a rule that maps to soft can lift a network order") }
        let scope: MappingRule.Scope?
        switch (mid, type) {
        case (let mid?, nil):
            if !gateways.contains(mid) { node.fault("mid", "there is no gateway \(mid)") }
            scope = .mid(mid)
        case (nil, let type?): scope = .gateway(type.lowercased())
        default:
            node.fault("mid", "expected either mid (one configured gateway) or gateway (a gateway type)")
            scope = nil
        }
        let match: MappingRule.Match?
        switch (code, text) {
        case (let code?, nil): match = .code(code)
        case (nil, let text?): match = .text(text)
        default:
            node.fault("code", "expected either code or text")
            match = nil
        }
        guard let scope, let match, let declineClass else { return nil }
        let rule = MappingRule(
            scope: scope, orderType: orderType, match: match, declineClass: declineClass, overrideNetwork: overrides,
            matchesWholeWords: wholeWords,
            name: name, path: node.path)
        if rule.matchesNothing { node.fault(code == nil ? "text" : "code", "expected letters or digits: no decline matches this rule") }
        return rule
    }

    /// - Parameter base: what holds where the policy names nothing.
    func policy(over base: Policy = Policy()) -> Policy {
        guard let node = node.object("policy") else { return base }
        defer { node.end() }
        return Policy(
            unknownDeclines: node.word("unknownDeclines", DeclineClass.self, default: base.unknownDeclines),
            lowConfidenceDeclines: node.has("lowConfidenceDeclines")
                ? node.word("lowConfidenceDeclines", DeclineClass.self, default: .soft) : base.lowConfidenceDeclines,
            correctableDeclines: node.word("correctableDeclines", DeclineClass.self, default: base.correctableDeclines),
            accountDeclines: node.word("accountDeclines", AccountDeclines.self, default: base.accountDeclines),
            limitDeclines: node.word("limitDeclines", DeclineClass.self, default: base.limitDeclines),
            insufficientFunds: node.word("insufficientFunds", InsufficientFunds.self, default: base.insufficientFunds),
            cascadeDeadline: node.has("cascadeDeadlineSeconds")
                ? .seconds(Int64(node.count("cascadeDeadlineSeconds", 1...600, default: 60))) : base.cascadeDeadline)
    }

    // MARK: References

    private func references(
        _ node: ConfigurationNode, _ name: String, known: Set<GatewayID>, forbidden: Set<GatewayID> = [], because: String = ""
    ) -> [GatewayID] {
        node.texts(name).map { element in
            let id = GatewayID(element.text)
            if forbidden.contains(id) {
                node.fault(element, "\(because) (\(id))")
            } else if !known.contains(id) {
                node.fault(element, "there is no gateway \(id)")
            }
            return id
        }
    }

    private func check(_ cascade: CascadeProfileID?, _ node: ConfigurationNode, _ name: String, _ known: Set<CascadeProfileID>) {
        if let cascade, !known.contains(cascade) { node.fault(name, "there is no cascade profile \(cascade)") }
    }

    /// Ids that look the same count as one: texts are compared as people read them.
    private func unique<Named>(_ all: [(id: Identifier<Named>, node: ConfigurationNode)], _ what: String) {
        var seen: Set<String> = []
        for (id, node) in all where !seen.insert(id.text).inserted { node.fault("id", "another \(what) of this merchant has the id \(id)") }
    }
}
