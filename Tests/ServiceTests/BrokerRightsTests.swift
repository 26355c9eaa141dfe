import Broker
import DeclineRecovery
import Foundation
import Operations
import Service
import Testing

@Suite struct BrokerRightsTests {
    private let names = TopologyNames()

    @Test func nobodyButTheTopologyMayConfigureMoreThanTheLock() {
        for role in BrokerRole.allCases where role != .topology {
            #expect(BrokerRights(role, names).configure.isSubset(of: role == .consoleOperator ? ["recovery.dead.lock"] : []))
        }
    }

    @Test func theCRMTouchesNothingOfOurs() {
        #expect(BrokerRights(.crmPublisher, names).patterns == ("^$", "^declines$", "^$"))
        #expect(BrokerRights(.crmConsumer, names).patterns == ("^$", "^$", "^crm\\.results$"))
    }

    /// What strangers reach may tell of orders, and of itself.
    @Test func theEdgeReachesNoStageThatCharges() {
        #expect(BrokerRights(.webhooks, names).patterns == ("^$", "^(recovery\\.news|recovery\\.pulse)$", "^$"))
        let ways = Topology(recovery: names).bindings.filter { $0.exchange == names.news }
        #expect(ways == [Binding(names.news, "", to: .queue(names.outcomes))])
    }

    @Test func declaringConfiguresAllAndReadsAndWritesWhatIsJoined() {
        let rights = BrokerRights(.topology, names)
        let topology = Topology(recovery: names)
        #expect(rights.configure == Set(topology.exchanges.map(\.name) + topology.queues.map(\.name)))
        #expect(
            rights.write.contains("recovery.unrouted") && rights.read.contains("recovery.delay.20") && !rights.write.contains("declines"))
    }

    @Test func anotherPrefixIsAnotherFleet() {
        let rights = BrokerRights(.worker, TopologyNames(prefix: "blue"))
        #expect(rights.write.union(rights.read).allSatisfy { $0.hasPrefix("blue.") || $0 == "amq.default" })
        let fleets = [TopologyNames(), TopologyNames(prefix: "blue")].map { Topology(recovery: $0) }.map {
            Set($0.exchanges.map(\.name) + $0.queues.map(\.name))
        }
        #expect(fleets[0].isDisjoint(with: fleets[1]), "what both had, both would take from")
    }

    /// Whoever lacks a right is sent after it, and not after a topology that stands.
    @Test func aMissingRightIsNamedAsOne() {
        let failure = BrokerFailure(
            PublishError.returned(code: 403, text: "ACCESS_REFUSED", exchange: "recovery.pauses", routingKey: "pause"))
        #expect(failure.description.contains("may not write to exchange 'recovery.pauses'") && failure.isRefusal)
        for advice in [failure.advice, BrokerFailure(BrokerError.refused(code: 403, text: "ACCESS_REFUSED")).advice] {
            #expect(advice.contains("topology print --permissions") && !advice.contains("Apply"))
        }
        let missing = BrokerFailure(PublishError.returned(code: 404, text: "NOT_FOUND", exchange: "recovery.pauses", routingKey: "pause"))
        #expect(missing.advice.contains("Apply the topology"))
    }

    /// A newer broker does not let anybody look who lacks all rights, an older one is asked for the right: either is told in one way.
    @Test func whatMayNotBeDoneIsToldAlikeHoweverItWasFound() {
        let rights = BrokerRights(.worker, names)
        let looked = rights.explain(.denied(what: "exchange", name: names.results))
        #expect(looked == "exchange recovery.results: the broker's user lacks the right to write it")
        #expect(rights.explain(.lacksRight(.write, what: "exchange", name: names.results)) == looked)
        #expect(
            rights.explain(.lacksRight(.read, what: "queue", name: names.claims))
                == "queue recovery.claims: the broker's user lacks the right to read it")
        #expect(TopologyDifference.lacksRight(.read, what: "queue", name: names.claims).isOfRights)
        #expect(!TopologyDifference.missingQueue(names.claims).isOfRights)
    }

    @Test func aPatternMatchesWholeNamesOnly() throws {
        let pattern = try Regex(BrokerRights(.worker, names).patterns.read)
        #expect("recovery.intake".wholeMatch(of: pattern) != nil)
        for name in ["recovery-intake", "recovery.intake2", "recovery.dead.lock", "recovery.results", "crm.results", "xrecovery.intake"] {
            #expect(name.firstMatch(of: pattern) == nil)
        }
    }

    @Test func thePageNamesTheRightsOfEachRole() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/broker-rights.md"), encoding: .utf8)
        // Of the ladder it names the first and the last.
        let between = Set(names.delays.dropFirst().dropLast())
        for role in BrokerRole.allCases where role != .topology {
            let row = try #require(page.split(separator: "\n").first { $0.hasPrefix("| `\(role.rawValue)`") })
            let cells = row.split(separator: "|", omittingEmptySubsequences: false).map { cell in
                Set(cell.matches(of: /`([a-z0-9.]+)`/).map { String($0.1) })
            }
            let rights = BrokerRights(role, names)
            try #require(cells.count == 6)
            #expect(
                cells[2] == rights.configure && cells[3] == rights.write.subtracting(between) && cells[4] == rights.read, "\(role.rawValue)"
            )
        }
    }
}
