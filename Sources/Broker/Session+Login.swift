import CRabbitMQ

extension Session {
    /// Greets the broker, says who we are, agrees on limits, and opens the virtual host.
    func logIn(_ configuration: BrokerConfiguration, deadline: Int64) throws(BrokerError) {
        out.protocolHeader()
        do throws(BrokerError) {
            _ = try reply(0, [UInt32(AMQP_CONNECTION_START_METHOD)], "the greeting", deadline: deadline)
        } catch {
            throw error.beforeGreeting(of: host.description, isTLS: configuration.tls != nil)
        }
        let mechanism: String
        let response: String
        switch configuration.login {
        case .plain(let user, let password): (mechanism, response) = ("PLAIN", "\0\(user)\0\(password.exposed)")
        case .external: (mechanism, response) = ("EXTERNAL", "")
        }
        let capabilities: FieldTable = [
            "publisher_confirms": true, "basic.nack": true, "consumer_cancel_notify": true, "connection.blocked": true,
            "authentication_failure_close": true, "exchange_exchange_bindings": true,
        ]
        let properties: FieldTable = [
            "product": "Salvage broker link", "platform": "Swift",
            "connection_name": .string(configuration.connectionName + " " + role.rawValue),
            "capabilities": .table(capabilities),
        ]
        var startOk = amqp_connection_start_ok_t(
            client_properties: scratch.table(properties), mechanism: scratch.bytes(mechanism), response: scratch.bytes(response),
            locale: scratch.bytes("en_US"))
        let tune: Reply
        do throws(BrokerError) {
            tune = try call(
                0, UInt32(AMQP_CONNECTION_START_OK_METHOD), &startOk, [UInt32(AMQP_CONNECTION_TUNE_METHOD)], "the login", deadline: deadline
            )
        } catch .refused(_, let text) {
            throw .loginRefused(host: host.description, why: text)
        } catch .connectionLost(let why) {
            throw .loginRefused(host: host.description, why: "during the login \(why)")
        }
        guard case .tune(let channelMax, let frameMax, let offered) = tune else { throw .protocolViolation("no tuning after the login") }
        out.frameMax = frameMax == 0 ? 131_072 : min(Int(frameMax), 131_072)
        let seconds = offered == 0 || configuration.heartbeat == 0 ? configuration.heartbeat : min(Int(offered), configuration.heartbeat)
        heartbeat = Int64(seconds) * 1_000
        // A content's header is one frame however long it is: what the broker writes on a message (x-death, x-delivery-count) comes on top of
        // a header that filled its publisher's.
        let longest = (frameMax == 0 ? 16 << 20 : max(Int(frameMax), out.frameMax)) + 1 << 20
        amqp_tune_connection(codec, Int32(channelMax), Int32(clamping: longest), 0)
        var tuneOk = amqp_connection_tune_ok_t(
            channel_max: channelMax, frame_max: UInt32(out.frameMax), heartbeat: UInt16(clamping: seconds))
        _ = out.method(0, UInt32(AMQP_CONNECTION_TUNE_OK_METHOD), &tuneOk)
        var open = amqp_connection_open_t(
            virtual_host: scratch.bytes(configuration.virtualHost), capabilities: scratch.bytes(""), insist: 0)
        do throws(BrokerError) {
            _ = try call(
                0, UInt32(AMQP_CONNECTION_OPEN_METHOD), &open, [UInt32(AMQP_CONNECTION_OPEN_OK_METHOD)], "opening the virtual host",
                deadline: deadline)
        } catch .refused(_, let text) {
            throw .loginRefused(host: host.description, why: text)
        }
    }
}
