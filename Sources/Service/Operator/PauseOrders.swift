package import Broker
package import DeclineRecovery
import Operations

extension BrokerLink {
    /// What is paused, as the stream says now.
    package func pauses(_ names: TopologyNames) async throws -> Pauses {
        let store = PauseStore()
        try await store.read(BrokerOperators(link: self, names: names).pauses)
        return store.pauses
    }

    /// Makes a pause known to every worker; returns when the broker has it.
    package func order(_ pause: Pause, _ names: TopologyNames) async throws {
        let message = OutgoingMessage(
            exchange: names.pauses, routingKey: "", isMandatory: true,
            properties: MessageProperties(
                contentType: "application/cloudevents+json", messageID: pause.id, type: Pause.type, appID: "salvage"),
            body: pause.encoded())
        do throws(PublishError) { try await publish([message]) } catch { throw BrokerFailure(error) }
    }
}
