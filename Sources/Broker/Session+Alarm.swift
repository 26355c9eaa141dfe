import CRabbitMQ

extension Session {
    /// Channel 1 publishes, and 2 is the locks'. Behind this one stand the channels of the questions.
    private static let answering: UInt16 = 3
    /// Bytes of a message that is never to be whole.
    private static let neverWhole = 1 << 16

    /// Asks whether the broker takes publishes; `blockedBecause` tells it then.
    ///
    /// RabbitMQ tells of an alarm only where somebody publishes, with the frame behind a publish's method, and reads nothing more of that
    /// connection until the alarm is over. So the question is a message that is begun and never ended, on a channel of its own, and grows by a byte
    /// each time. Where the broker answers what is asked behind it, it reads on, and has no alarm. A channel sees a message once it is whole:
    /// nothing is published, and no right is needed.
    func askForAlarm() throws(BrokerError) {
        if blockedBecause != nil { return }
        if question.channel == 0 {
            begin(Self.answering)
            question.channel = Self.answering
        }
        if question.left == 0 {
            question = (question.channel + 1, Self.neverWhole - 1)
            begin(question.channel)
            var publish = amqp_basic_publish_t(
                ticket: 0, exchange: scratch.bytes(""), routing_key: scratch.bytes(""), mandatory: 0, immediate: 0)
            var properties = amqp_basic_properties_t()
            _ = out.contentHeader(question.channel, &publish, &properties, size: Self.neverWhole)
            scratch.reset()
        } else {
            out.contentBody(question.channel, [0])
            question.left -= 1
        }
        var qos = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: 1, global: 0)
        do throws(BrokerError) {
            _ = try call(
                Self.answering, UInt32(AMQP_BASIC_QOS_METHOD), &qos, [UInt32(AMQP_BASIC_QOS_OK_METHOD)], "asking for an alarm",
                stopsAtAlarm: true)
        } catch .blocked {
            // That is an answer, too.
        }
    }

    /// Opens a channel without waiting for it: it may be that nothing is read any more.
    private func begin(_ channel: UInt16) {
        var open = amqp_channel_open_t(out_of_band: scratch.bytes(""))
        _ = out.method(channel, UInt32(AMQP_CHANNEL_OPEN_METHOD), &open)
        scratch.reset()
    }
}
