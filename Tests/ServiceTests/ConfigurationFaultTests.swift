import DeclineRecovery
import FlexFactor
import Foundation
import Operations
import Testing

@testable import Service

/// The configuration is read as a whole or refused as a whole, with every fault, its place and its line, and no secret's text.
@Suite struct ConfigurationFaultTests {
    private static let right = """
        merchants:
          - id: acme
            flexFactorGateways:
              - id: "42"
                appKey: canary-app-key
                appSecret: canary-app-secret
                mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11
                environment: sandbox
                cascadeAll: true
            policy: { cascadeDeadlineSeconds: 60 }
        """

    private func read(_ yaml: String) throws -> SalvageConfiguration {
        try SalvageConfiguration(yaml: yaml, file: "salvage.yaml", secrets: SecretSources(besides: "./salvage.yaml"))
    }

    private func faults(_ yaml: String) -> [ConfigurationFault] {
        do {
            _ = try read(yaml)
            return []
        } catch let error as ConfigurationError {
            return error.faults
        } catch {
            return [ConfigurationFault(path: "?", line: nil, message: "\(error)")]
        }
    }

    /// Each decline of it would be skipped.
    @Test func aMerchantWithoutAGatewayOfFlexFactorsIsAFault() {
        for gateways in ["[]", ""] {
            let found = faults("merchants:\n  - id: acme\n    flexFactorGateways: \(gateways)\n")
            #expect(found.map(\.path) == ["merchants[0].flexFactorGateways"], "\(found)")
        }
    }

    @Test(arguments: [
        (#"text: "  ""#, "text"), (#"text: ".""#, "text"), (#"text: "\u0007""#, "text"), (#"code: " ""#, "code"),
        (#"text: " ", wholeWords: false"#, "text"),
    ])
    func aRuleThatNoDeclineCanMatchIsAFault(match: String, name: String) {
        let found = faults(Self.right + "\n    declineMapping: [{ gateway: nmi, class: soft, \(match) }]")
        #expect(found.map(\.path) == ["merchants[0].declineMapping[0].\(name)"], "\(found)")
        #expect(faults(Self.right + #"\#n    declineMapping: [{ gateway: nmi, class: soft, text: ".", wholeWords: false }]"#).isEmpty)
    }

    @Test(arguments: [#""  ""#, #""a\nb""#, String(repeating: "x", count: 201)])
    func aNameThatNobodyCouldReadIsAFault(id: String) {
        #expect(faults(Self.right.replacing(#"id: "42""#, with: "id: \(id)")).map(\.path) == ["merchants[0].flexFactorGateways[0].id"])
        let access = "\nconsole: { access: [{ name: \(id), role: admin, token: \(String(repeating: "t", count: 24)) }] }"
        #expect(faults(Self.right + access).map(\.path) == ["console.access[0].name"])
    }

    @Test func whatIsRightIsTaken() throws {
        let configuration = try read(Self.right)
        #expect(Array(configuration.merchants.keys) == ["acme"] && configuration.credentials.count == 1)
        #expect(configuration.merchants["acme"]?.flexFactorGateways["42"] != nil)
    }

    /// It goes along with each charge, and so is known where declines are taken in.
    @Test func aGatewaysSiteIsNoSecret() throws {
        let site = "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e12"
        let yaml = Self.right.replacing("environment: sandbox", with: "environment: sandbox\n        siteId: \(site)")
        #expect(try read(yaml).merchants["acme"]?.flexFactorGateways["42"]?.siteID == site)
    }

    @Test(arguments: [
        ("merchants:\n  - id: acme\n    flexFactorGateways:", "merchants:\n  - id: acme\n    flexFactorGatewas:", "flexFactorGatewas"),
        ("id: acme", "id: \(String(repeating: "x", count: 65))", "id"), ("id: acme", #"id: "ac\nme""#, "id"),
        ("environment: sandbox", "environment: MOON", "environment"), ("cascadeAll: true", "cascadeAll: perhaps", "cascadeAll"),
        ("cascadeDeadlineSeconds: 60", "cascadeDeadlineSeconds: -1", "cascadeDeadlineSeconds"), ("id: \"42\"\n", "", "id"),
        ("mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11", "mid: not-a-mid", "mid"), ("    policy:", "    polity:", "polity"),
    ])
    func aFaultNamesItsPlaceAndLine(right: String, wrong: String, name: String) {
        #expect(Self.right.contains(right))
        let found = faults(Self.right.replacing(right, with: wrong))
        #expect(found.contains { $0.path.contains(name) || $0.message.contains(name) }, "\(found)")
        #expect(found.allSatisfy { $0.line != nil }, "\(found)")
    }

    /// They would be two, and nobody could tell them apart.
    @Test func idsThatLookTheSameAreNotTaken() throws {
        let one = Self.right.replacing("id: acme", with: "id: caf\u{E9}")
        let other = Self.right.replacing("merchants:\n", with: "").replacing("id: acme", with: "id: cafe\u{301}")
        #expect(faults(one + "\n" + other).contains { $0.path == "merchants[1].id" })
        let merchants = try read(one).merchants
        #expect(merchants["cafe\u{301}"] == nil && merchants["caf\u{E9}"] != nil)
    }

    /// A key that is none is refused by FlexFactor at each sale.
    @Test(arguments: ["appKey: canary-app-key", "appSecret: canary-app-secret"], [#""""#, #""   ""#, "'\t'"])
    func anEmptySecretIsMissing(right: String, text: String) {
        let name = right.prefix { $0 != ":" }
        let found = faults(Self.right.replacing(right, with: "\(name): \(text)"))
        #expect(found.map(\.path) == ["merchants[0].flexFactorGateways[0].\(name)"] && found.first?.message == "is empty", "\(found)")
    }

    @Test(arguments: [#""""#, #""  ""#, #"["", ""]"#, "[]", #"["a-key", ~]"#, "{ env: NO_SUCH_VARIABLE_OF_TESTS }"])
    func anEmptySigningKeyIsAFault(text: String) {
        let found = faults(Self.right.replacing("environment: sandbox", with: "environment: sandbox\n        hmacSigningKey: \(text)"))
        #expect(!found.isEmpty && found.allSatisfy { $0.path.hasPrefix("merchants[0].flexFactorGateways[0].hmacSigningKey") }, "\(found)")
    }

    @Test func aFolderIsNoAuthorityFile() {
        let folder = FileManager.default.temporaryDirectory.path
        let found = faults(Self.right.replacing("environment: sandbox", with: "environment: sandbox\n        authorityFile: \(folder)"))
        #expect(found.contains { $0.path.hasSuffix("authorityFile") && $0.message.hasSuffix("it is a folder") }, "\(found)")
    }

    @Test func standardInputIsNoAuthorityFile() {
        let found = faults(Self.right.replacing("environment: sandbox", with: "environment: sandbox\n        authorityFile: '-'"))
        #expect(found.contains { $0.path.hasSuffix("authorityFile") && $0.message.hasSuffix("there is no such file") }, "\(found)")
    }

    private static func fee(_ text: String) -> String {
        right.replacing("cascadeAll: true", with: "cascadeAll: true\n        fee: \(text)")
    }

    /// To the hundredth of a percent, in whole numbers.
    @Test(arguments: [
        ("{ percent: 2.5, minorUnitsPerSale: 30 }", 250, 30), ("{ percent: 2.05 }", 205, 0), ("{ percent: 100 }", 10_000, 0),
        ("{ percent: '0.29' }", 29, 0), ("{ minorUnitsPerSale: 0 }", 0, 0),
    ])
    func aFeeIsExact(text: String, basisPoints: Int64, unitsPerSale: Int64) throws {
        let gateway = try #require(try read(Self.fee(text)).merchants["acme"]?.flexFactorGateways["42"])
        #expect(gateway.fee == FlexFactorFee(basisPoints: basisPoints, unitsPerSale: unitsPerSale))
        #expect(try read(Self.right).merchants["acme"]?.flexFactorGateways["42"]?.fee == nil)
    }

    @Test(arguments: [
        ("{ percent: 2.505 }", ".percent"), ("{ percent: 100.01 }", ".percent"), ("{ percent: -1 }", ".percent"),
        ("{ percent: '2,5' }", ".percent"), ("{ percent: 2. }", ".percent"), ("{ percent: .5 }", ".percent"),
        ("{ percent: 1e1 }", ".percent"), ("{ percent: 1.2.3 }", ".percent"), ("{ minorUnitsPerSale: 0.3 }", ".minorUnitsPerSale"),
        ("{ minorUnitsPerSale: -3 }", ".minorUnitsPerSale"), ("{ minorUnitsPerSale: 1000001 }", ".minorUnitsPerSale"),
        ("{ percent: 1, perSale: 3 }", ".perSale"), ("{}", ""), ("{ percent: ~ }", ""),
    ])
    func aFeeThatIsNoneIsRefused(text: String, name: String) {
        let found = faults(Self.fee(text))
        #expect(found.map(\.path) == ["merchants[0].flexFactorGateways[0].fee" + name] && found.allSatisfy { $0.line == 10 }, "\(found)")
    }

    @Test func aFaultyFeeSaysWhatItIs() {
        let message = faults(Self.fee("{ percent: 2.505 }")).first?.message
        #expect(message == "expected a percentage of 0...100 with at most two decimals, such as 2.5, found '2.505'")
    }

    /// Nobody approves what he proposes himself.
    @Test func aSecondPersonNeedsTwoAdmins() throws {
        func console(_ roles: String..., minutes: String = "30") -> String {
            let people = roles.enumerated().map { "    - { name: p\($0), role: \($1), token: canary-token-of-person-\($0)-xyz }\n" }
            return Self.right + "\nconsole:\n  secondPersonMinutes: \(minutes)\n  access:\n" + people.joined()
        }
        #expect(try read(console("admin", "admin")).access.secondPerson == .minutes(30))
        #expect(try read(Self.right).access.secondPerson == nil)
        for wrong in [console("admin", "operator"), console("admin", "admin", minutes: "0"), console("admin", "admin", minutes: "1441")] {
            #expect(faults(wrong).map(\.path) == ["console.secondPersonMinutes"])
        }
    }

    /// Whoever has one that no header can carry never signs in.
    @Test(arguments: ["canary-token-of-pers\u{F6}n-0-xyz", #"canary-token-of\nperson-0-xyz"#, String(repeating: "t", count: 1_025)])
    func aTokenThatNoHeaderCarriesIsRefused(token: String) {
        let found = faults(Self.right + "\nconsole:\n  access: [{ name: ada, role: admin, token: \"\(token)\" }]\n")
        #expect(found.map(\.path) == ["console.access[0].token"] && found.first?.message.contains("in a header") == true, "\(found)")
    }

    /// What cannot be read stands there all the same, and nothing is missing besides.
    @Test(arguments: [
        (
            "\nconsole:\n  access: [{ name: ada, role: admin, token: { file: /nowhere/ada-token } }]\n", "console.access[0].token",
            "the file /nowhere/ada-token: it cannot be read: there is no such file"
        ),
        (
            "\nconsole:\n  secondPersonMinutes: 30\n  access:\n    - { name: ada, role: admin, token: { file: /nowhere/ada-token } }\n"
                + "    - { name: bob, role: admin, token: canary-token-of-person-1-xyz }\n",
            "console.access[0].token",
            "the file /nowhere/ada-token: it cannot be read: there is no such file"
        ),
        ("\nconsole:\n  access: []\n", "console.access", "expected at least one entry with name, role and token"),
        ("\nconsole:\n  access: ada\n", "console.access", "expected a list"),
        (
            "\n    gateways: [{ id: \"7\" }]\n    cascadeProfiles: [{ id: a, members: [\"7\"] }]\n", "merchants[0].gateways[0].type",
            "missing; expected a text"
        ),
    ])
    func aFaultIsToldOnce(added: String, path: String, message: String) {
        let found = faults(Self.right + added)
        #expect(found.count == 1 && found.first?.path == path && found.first?.message == message, "\(found)")
    }

    /// A pod at the edge gets no key that takes money, and no token of the console.
    @Test func whoTakesWebhooksAloneNeedsTheirKeysAlone() throws {
        let yaml =
            Self.right.replacing("appKey: canary-app-key", with: "appKey: { file: /nowhere/app-key }").replacing(
                "appSecret: canary-app-secret", with: "appSecret: { env: NOWHERE_APP_SECRET }"
            ).replacing(
                "cascadeAll: true",
                with: "cascadeAll: true\n        environmentKey: { file: /nowhere/environment }\n        hmacSigningKey: { env: SIGNING }")
            + "\nconsole:\n  access:\n    - { name: ada, role: admin, token: { file: /nowhere/ada } }\n"
            + "    - { name: bob, role: admin, token: { file: /nowhere/bob } }\n"
        func read(_ environment: [String: String], isForWebhooks: Bool) throws -> SalvageConfiguration {
            try SalvageConfiguration(
                yaml: yaml, file: "salvage.yaml",
                secrets: SecretSources(besides: "./salvage.yaml", environment: environment, isForWebhooks: isForWebhooks))
        }
        let signing = ["SIGNING": "Q0FOQVJZLWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAxMjM="]
        let configuration = try read(signing, isForWebhooks: true)
        #expect(configuration.credentials[GatewayKey("acme", "42")]?.signingKeys.count == 1 && configuration.secretFiles.isEmpty)
        func count(_ environment: [String: String], isForWebhooks: Bool) -> Int {
            do {
                _ = try read(environment, isForWebhooks: isForWebhooks)
                return 0
            } catch let error as ConfigurationError { return error.faults.count } catch { return -1 }
        }
        #expect(count(signing, isForWebhooks: false) == 5)
        #expect(count([:], isForWebhooks: true) == 1)
    }

    /// Where the file is right and its secret comes later, nothing but the secret's file changes.
    @Test func whoeverIsRefusedSaysWhichSecretsItAskedFor() {
        let yaml = Self.right.replacing("appKey: canary-app-key", with: "appKey: { file: /nowhere/app-key }")
        let error = #expect(throws: ConfigurationError.self) { _ = try read(yaml) }
        #expect(error?.secretFiles == ["/nowhere/app-key"])
    }

    @Test func whatIsNoListOfMerchantsIsNotMissingBesides() {
        #expect(faults("merchants: 7").map(\.message) == ["expected a list"])
        #expect(faults("merchants: []").map(\.path) == ["merchants"])
    }

    /// Without one of them the gateway would be there and nobody could ask it.
    @Test(arguments: [
        "appKey: canary-app-key", "appSecret: canary-app-secret", "mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11", "environment: sandbox",
    ])
    func whatAGatewayNeedsAndLacksIsNamed(line: String) {
        let lines = Self.right.split(separator: "\n")
        let kept = lines.filter { !$0.contains(line) }
        #expect(kept.count == lines.count - 1)
        let found = faults(kept.joined(separator: "\n"))
        let name = line.prefix { $0 != ":" }
        #expect(found.count == 1 && found[0].path.hasSuffix(".\(name)") && found[0].message.hasPrefix("missing"), "\(found)")
    }

    @Test func allFaultsAreToldAtOnce() {
        let wrong = Self.right.replacing("environment: sandbox", with: "environment: MOON").replacing(
            "cascadeAll: true", with: "cascadeAll: perhaps"
        )
        .replacing("cascadeDeadlineSeconds: 60", with: "cascadeDeadlineSeconds: sixty")
        #expect(faults(wrong).count >= 3)
    }

    @Test(arguments: [
        "", "[]", "merchants: []", "merchants: 7", "merchants: [7]", "merchants:\n\t- id: x", "a: &a [*a]", "merchants: {", "\u{0}",
        "- - - -", "merchants: ~",
    ])
    func rubbishIsAFaultAndNoCrash(yaml: String) {
        #expect(!faults(yaml).isEmpty)
    }

    @Test func aMerchantOrGatewayTwiceIsAFault() {
        let merchant = Self.right.split(separator: "\n").dropFirst().joined(separator: "\n")
        #expect(faults(Self.right + "\n" + merchant).contains { $0.message.contains("acme") })
    }

    /// A key in the wrong place, of the wrong kind, or beside a fault.
    @Test func noFaultHoldsASecret() {
        for wrong in [
            Self.right.replacing("appKey: canary-app-key", with: "appKey: { canary-app-key: 1 }"),
            Self.right.replacing("appSecret: canary-app-secret", with: "appSecret: [canary-app-secret]"),
            Self.right.replacing("environment: sandbox", with: "environment: canary-app-secret"), Self.right + "\n  canary-app-secret",
            Self.right.replacing("appKey:", with: "appkey:"),
        ] {
            let found = faults(wrong)
            #expect(!found.isEmpty && found.allSatisfy { !$0.description.contains("canary-app") }, "\(found)")
        }
    }
}
