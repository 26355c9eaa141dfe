package import Broker
package import DeclineRecovery

/// Publishes events as a CRM does, and waits for the broker's confirms.
package struct DeclinePublisher: Sendable {
    private let link: BrokerLink
    private let names: TopologyNames

    package init(_ link: BrokerLink, _ names: TopologyNames) {
        self.link = link
        self.names = names
    }

    /// - Parameter progress: called after each confirmed batch with how many are with the broker.
    package func publish(_ events: [FileEvent], progress: (Int) -> Void = { _ in }) async throws(PublishError) {
        var confirmed = 0
        for batch in events.parts(of: 500) {
            try await link.publish(
                batch.map { event in
                    OutgoingMessage(
                        exchange: names.declines, routingKey: event.routingKey,
                        properties: MessageProperties(
                            contentType: "application/cloudevents+json",
                            messageID: event.eventID.flatMap { $0.utf8.count <= 255 ? $0 : nil }, type: event.type,
                            timestamp: UInt64(max(SystemClock().now().milliseconds / 1_000, 0))),
                        body: event.body)
                })
            confirmed += batch.count
            progress(confirmed)
        }
    }
}
