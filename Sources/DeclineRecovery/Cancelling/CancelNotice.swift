/// What makes a cancel command known to every pod: one small record on the stream of cancels, before anything is cancelled.
public enum CancelNotice {
    public static let type = "com.salvage.recovery.cancel-notice.v1"

    public static func encode(_ reference: RecoveryReference) -> [UInt8] {
        CloudEvent.encode(id: reference.text + "/cancel", type: type, subject: reference.text, reserving: 192)
    }

    public static func decode(_ bytes: [UInt8]) -> RecoveryReference? {
        guard let value = try? JSONValue(parsing: bytes.span), value["type"]?.string == type else { return nil }
        return value["subject"]?.string.flatMap { RecoveryReference($0) }
    }
}
