import CRabbitMQ

extension MessageProperties {
    /// AMQP's short strings have at most 255 bytes; rabbitmq-c would cut the length and break the connection.
    @inline(__always)
    var tooLong: String? {
        func isLong(_ text: String?) -> Bool { (text?.utf8.count ?? 0) > 255 }
        let name: String? =
            if isLong(contentType) { "content type" } else if isLong(contentEncoding) { "content encoding" } else if isLong(messageID) {
                "message id"
            } else if let correlationID, CorrelationID.size(of: correlationID) > 255 { "correlation id" } else if isLong(replyTo) {
                "reply-to"
            } else if isLong(type) {
                "type"
            } else if isLong(appID) { "app id" } else if isLong(expiration) { "expiration" } else { nil }
        if let name { return "the \(name) has more than 255 bytes" }
        if headers.fields.contains(where: { $0.name.utf8.count > 255 }) { return "a header's name has more than 255 bytes" }
        return nil
    }

    @inline(__always)
    func encoded(in scratch: Scratch) -> amqp_basic_properties_t {
        var wire = amqp_basic_properties_t()
        func flag(_ flag: Int32) { wire._flags |= amqp_flags_t(flag) }
        if let contentType {
            flag(AMQP_BASIC_CONTENT_TYPE_FLAG)
            wire.content_type = scratch.bytes(contentType)
        }
        if let contentEncoding {
            flag(AMQP_BASIC_CONTENT_ENCODING_FLAG)
            wire.content_encoding = scratch.bytes(contentEncoding)
        }
        if let messageID {
            flag(AMQP_BASIC_MESSAGE_ID_FLAG)
            wire.message_id = scratch.bytes(messageID)
        }
        if let correlationID {
            flag(AMQP_BASIC_CORRELATION_ID_FLAG)
            wire.correlation_id = CorrelationID.bytes(of: correlationID).withUnsafeBytes { scratch.bytes($0) }
        }
        if let replyTo {
            flag(AMQP_BASIC_REPLY_TO_FLAG)
            wire.reply_to = scratch.bytes(replyTo)
        }
        if let type {
            flag(AMQP_BASIC_TYPE_FLAG)
            wire.type = scratch.bytes(type)
        }
        if let appID {
            flag(AMQP_BASIC_APP_ID_FLAG)
            wire.app_id = scratch.bytes(appID)
        }
        if let expiration {
            flag(AMQP_BASIC_EXPIRATION_FLAG)
            wire.expiration = scratch.bytes(expiration)
        }
        if let timestamp {
            flag(AMQP_BASIC_TIMESTAMP_FLAG)
            wire.timestamp = timestamp
        }
        if let priority {
            flag(AMQP_BASIC_PRIORITY_FLAG)
            wire.priority = priority
        }
        flag(AMQP_BASIC_DELIVERY_MODE_FLAG)
        wire.delivery_mode = isPersistent ? 2 : 1
        if !headers.isEmpty {
            flag(AMQP_BASIC_HEADERS_FLAG)
            wire.headers = scratch.table(headers)
        }
        return wire
    }

    @inline(__always)
    init(_ wire: amqp_basic_properties_t, _ texts: inout RecurringTexts) {
        func has(_ flag: Int32) -> Bool { wire._flags & amqp_flags_t(flag) != 0 }
        self.init(
            contentType: has(AMQP_BASIC_CONTENT_TYPE_FLAG) ? texts.text(wire.content_type) : nil,
            contentEncoding: has(AMQP_BASIC_CONTENT_ENCODING_FLAG) ? String(wire.content_encoding) : nil,
            messageID: has(AMQP_BASIC_MESSAGE_ID_FLAG) ? String(wire.message_id) : nil,
            correlationID: has(AMQP_BASIC_CORRELATION_ID_FLAG)
                ? CorrelationID.text(of: Array(UnsafeRawBufferPointer(start: wire.correlation_id.bytes, count: wire.correlation_id.len)))
                : nil,
            replyTo: has(AMQP_BASIC_REPLY_TO_FLAG) ? String(wire.reply_to) : nil,
            type: has(AMQP_BASIC_TYPE_FLAG) ? texts.text(wire.type) : nil,
            appID: has(AMQP_BASIC_APP_ID_FLAG) ? String(wire.app_id) : nil,
            timestamp: has(AMQP_BASIC_TIMESTAMP_FLAG) ? wire.timestamp : nil,
            expiration: has(AMQP_BASIC_EXPIRATION_FLAG) ? String(wire.expiration) : nil,
            priority: has(AMQP_BASIC_PRIORITY_FLAG) ? wire.priority : nil,
            isPersistent: has(AMQP_BASIC_DELIVERY_MODE_FLAG) && wire.delivery_mode == 2,
            headers: has(AMQP_BASIC_HEADERS_FLAG) ? FieldTable(wire.headers, &texts) : FieldTable())
    }
}
