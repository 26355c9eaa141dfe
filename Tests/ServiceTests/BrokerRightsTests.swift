import Broker
import DeclineRecovery
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

    @Test func declaringConfiguresAllAndReadsAndWritesWhatIsJoined() {
        let rights = BrokerRights(.topology, names)
        let topology = Topology(recovery: names)
        #expect(rights.configure == Set(topology.exchanges.map(\.name) + topology.queues.map(\.name)))
        #expect(rights.write.contains("recovery.unrouted") && rights.read.contains("recovery.delay.20") && !rights.write.contains("declines"))
    }

    @Test func anotherPrefixIsAnotherFleet() {
        let rights = BrokerRights(.worker, TopologyNames(prefix: "blue"))
        #expect(rights.write.union(rights.read).allSatisfy { $0.hasPrefix("blue.") || $0 == "amq.default" })
    }

    @Test func aPatternMatchesWholeNamesOnly() throws {
        let pattern = try Regex(BrokerRights(.worker, names).patterns.read)
        #expect("recovery.intake".wholeMatch(of: pattern) != nil)
        for name in ["recovery-intake", "recovery.intake2", "recovery.dead.lock", "recovery.results", "crm.results", "xrecovery.intake"] { #expect(name.firstMatch(of: pattern) == nil) }
    }
}
