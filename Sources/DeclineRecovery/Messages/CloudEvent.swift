import JSON

/// The wrapper of every message that Salvage writes: a CloudEvents 1.0 JSON event in structured mode (messages.md).
enum CloudEvent {
    static func encode(
        id: String, type: String, subject: String? = nil, time: Moment? = nil, reserving capacity: Int = 512,
        _ data: (inout JSONObjectWriter) -> Void
    ) -> [UInt8] {
        JSONWriter.bytes(reserving: capacity) { event in
            event.member("specversion", "1.0")
            event.member("id", id)
            event.member("source", "salvage")
            event.member("type", type)
            event.optional("subject", subject)
            event.optional("time", time)
            event.member("datacontenttype", "application/json")
            event.object("data", data)
        }
    }

    /// The data of an event of ours of one type.
    static func data(of bytes: [UInt8], type: String) throws(EnvelopeFault) -> EnvelopeReader {
        try reader(of: bytes, type: type).object("data")
    }

    /// An event of ours of one type, its wrapper included.
    static func reader(of bytes: [UInt8], type: String, limits: JSONLimits = JSONLimits()) throws(EnvelopeFault) -> EnvelopeReader {
        guard let event = try? JSONDocument(bytes, limits: limits).root, event["type"]?.says(type) == true, event["data"] != nil else {
            throw EnvelopeFault(path: "$.type", expected: "a JSON event of type \(type) with data")
        }
        return EnvelopeReader(event)
    }
}
