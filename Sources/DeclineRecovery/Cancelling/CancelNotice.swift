import JSON

/// What makes a cancel command known to every pod: one small record on the stream of cancels, before anything is asked.
package struct CancelNotice: Hashable, Sendable {
    package static let type = "com.salvage.recovery.cancel-notice.v1"

    /// Two merchants may have orders of the same id.
    package let merchantID: MerchantID
    package let reference: RecoveryReference
    /// When the command was given; `nil` where that is not known.
    package let time: Moment?

    package init(merchantID: MerchantID, reference: RecoveryReference, time: Moment? = nil) {
        self.merchantID = merchantID
        self.reference = reference
        self.time = time
    }

    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: reference.text + "/cancel", type: Self.type, subject: reference.text, reserving: 256) { data in
            data.member("merchantId", merchantID.text)
            data.member("reference", reference.text)
            data.optional("time", time?.milliseconds)
        }
    }

    package static func decode(_ bytes: [UInt8]) -> CancelNotice? {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            return CancelNotice(
                merchantID: MerchantID(try reader.text("merchantId")), reference: try reader.reference("reference"),
                time: try reader.optionalMoment("time"))
        } catch {
            return nil
        }
    }
}
