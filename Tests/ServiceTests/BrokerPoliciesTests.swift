import Broker
import DeclineRecovery
import Service
import Testing

@Suite struct BrokerPoliciesTests {
    private func losses(_ policies: String, operators: String = "") throws -> [String] {
        let file = #"{"policies": [\#(policies)], "parameters": [\#(operators)]}"#
        return try #require(BrokerDefinitions(Array(file.utf8), virtualHost: "/")).policies.losses(of: Topology(recovery: TopologyNames()))
    }

    private func policy(
        _ pattern: String, _ definition: String, priority: Int = 0, applyTo: String = "all", vhost: String = "/", name: String = "p"
    ) -> String {
        #"{"vhost": "\#(vhost)", "name": "\#(name)", "pattern": "\#(pattern)", "apply-to": "\#(applyTo)", "definition": {\#(definition)}, "priority": \#(priority)}"#
    }

    @Test(arguments: [
        (#""message-ttl": 50"#, "recovery.intake", "driven out"), (#""message-ttl": 50"#, "recovery.delay.07", "before its time"),
        (#""delivery-limit": 3"#, "recovery.cascade", "driven out"), (#""max-length": 10"#, "crm.results", "refuses"),
        (#""max-length-bytes": 10"#, "recovery.retry", "refuses"), (#""expires": 1000"#, "recovery.unrouted", "deletes the queue"),
        (#""max-age": "1D""#, "recovery.dead", "forgets"), (#""max-length-bytes": 10"#, "recovery.journal", "forgets"),
        (#""expires": 1000"#, "recovery.cancels", "deletes the queue"),
    ])
    func whatLosesMessagesIsNamedWithItsQueue(definition: String, queue: String, consequence: String) throws {
        let losses = try losses(policy("^" + queue.replacing(".", with: "\\\\.") + "$", definition))
        #expect(
            losses.count == 1 && losses[0].hasPrefix("queue \(queue): the policy 'p' sets") && losses[0].contains(consequence), "\(losses)")
    }

    @Test func aPolicyForAllIsNamedForEachQueueThatItHurts() throws {
        #expect(
            try losses(policy(".*", #""delivery-limit": 3"#)).count
                == Topology(recovery: TopologyNames()).queues.count { $0.kind == .quorum })
    }

    @Test func whatHurtsNobodyIsNotNamed() throws {
        for definition in [
            #""ha-mode": "all""#, #""queue-leader-locator": "balanced""#, #""dead-letter-exchange": "x""#, #""overflow": "drop-head""#,
        ] {
            #expect(try losses(policy(".*", definition)) == [])
        }
        #expect(try losses(policy(".*", #""delivery-limit": 3"#, vhost: "other")) == [])
        #expect(try losses(policy("^others", #""delivery-limit": 3"#)) == [])
        #expect(try losses(policy(".*", #""delivery-limit": 3"#, applyTo: "exchanges")) == [])
        #expect(try losses(policy("delay", #""message-ttl": 99999999999"#)) == [])
    }

    @Test func ofSeveralTheHighestPriorityCounts() throws {
        let harmless = policy("intake", #""ha-mode": "all""#, priority: 9)
        #expect(try losses(policy("intake", #""message-ttl": 5"#) + "," + harmless) == [])
        #expect(try losses(policy("intake", #""message-ttl": 5"#, priority: 10) + "," + harmless).count == 1)
    }

    /// As `rabbitmqctl export_definitions` writes it, and as a file written by hand may.
    @Test(arguments: [#"[["delivery-limit", 9], ["message-ttl", 7]]"#, #"{"message-ttl": 7, "delivery-limit": 9}"#])
    func anOperatorsPolicyCountsBesideIt(definition: String) throws {
        let value = #"{"pattern": "intake", "apply-to": "queues", "definition": \#(definition), "priority": 0}"#
        let losses = try losses(
            policy("intake", #""delivery-limit": 5"#),
            operators:
                #"{"vhost": "/", "component": "operator_policy", "name": "o", "value": \#(value)}, {"component": "else", "name": "x", "value": "y"}"#
        )
        #expect(losses.count == 3 && losses.contains { $0.contains("the operator policy 'o' sets message-ttl to 7") }, "\(losses)")
        #expect(losses.contains { $0.contains("the operator policy 'o' sets delivery-limit to 9") })
    }

    @Test func whatIsNoDefinitionsFileIsNotTakenForOne() {
        for text in ["", "[]", "no JSON"] { #expect(BrokerDefinitions(Array(text.utf8), virtualHost: "/") == nil) }
    }
}
