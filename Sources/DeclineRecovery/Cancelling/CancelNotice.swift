/// What makes a cancel command known to every pod: one small record on the stream of cancels, before anything is cancelled.
public enum CancelNotice {
    public static let type = "com.salvage.recovery.cancel-notice.v1"

    public static func encode(_ reference: RecoveryReference) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 192)
        json.object { event in
            event.member("specversion", "1.0")
            event.member("id", reference.text + "/cancel")
            event.member("source", "salvage")
            event.member("type", type)
            event.member("subject", reference.text)
        }
        return json.bytes
    }

    public static func decode(_ bytes: [UInt8]) -> RecoveryReference? {
        guard let value = try? JSONValue(parsing: bytes.span), value["type"]?.string == type else { return nil }
        return value["subject"]?.string.flatMap { RecoveryReference($0) }
    }
}
