package import Broker

extension ProcessSettings {
    /// The broker, for a process in which somebody waits for what he ordered. An alarm of the broker's may last for hours, and he is told of it instead:
    /// one that is over sooner than that he need not know of. Workers wait alarms out, for nobody waits for them.
    package func operatorBroker(named name: String) -> BrokerConfiguration {
        var broker = broker
        broker.connectionName = name
        broker.alarmPatience = 5_000
        return broker
    }
}
