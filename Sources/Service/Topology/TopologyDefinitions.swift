package import Broker
import JSON

extension Topology {
    /// RabbitMQ's definitions file, for `rabbitmqctl import_definitions` or a broker's start.
    package func definitions(virtualHost: String) -> [UInt8] {
        func arguments(_ table: FieldTable) -> JSONValue {
            .object(
                table.fields.map { field in
                    let value: JSONValue =
                        switch field.value {
                        case .integer(let number): .integer(number)
                        case .bool(let flag): .bool(flag)
                        default: .string(field.value.text)
                        }
                    return JSONValue.Member(field.name, value)
                })
        }
        func entry(_ members: [(String, JSONValue?)]) -> JSONValue {
            .object(of: [("vhost", .string(virtualHost))] + members)
        }
        let all = JSONValue.object(of: [
            (
                "exchanges",
                .array(
                    exchanges.map { exchange in
                        entry([
                            ("name", .string(exchange.name)), ("type", .string(exchange.kind.rawValue)), ("durable", .bool(true)),
                            ("auto_delete", .bool(false)),
                            ("internal", .bool(false)), ("arguments", arguments(exchange.arguments)),
                        ])
                    })
            ),
            (
                "queues",
                .array(
                    queues.map { queue in
                        entry([
                            ("name", .string(queue.name)), ("durable", .bool(true)), ("auto_delete", .bool(false)),
                            ("arguments", arguments(queue.allArguments)),
                        ])
                    })
            ),
            (
                "bindings",
                .array(
                    bindings.map { binding in
                        let (name, kind) =
                            switch binding.target {
                            case .queue(let name): (name, "queue")
                            case .exchange(let name): (name, "exchange")
                            }
                        return entry([
                            ("source", .string(binding.exchange)), ("destination", .string(name)), ("destination_type", .string(kind)),
                            ("routing_key", .string(binding.routingKey)), ("arguments", .object([])),
                        ])
                    })
            ),
        ])
        return all.bytes
    }
}
