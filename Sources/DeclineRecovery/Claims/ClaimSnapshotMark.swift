import JSON

/// A place on the stream of claims, marked by a worker that means to write down what the claims before it come to.
///
/// It is no claim, and whoever does not know it passes it by. The stream's order says who of several writes: whose mark is the first. It
/// also ties a snapshot to this stream: where it says that its mark stands, the mark must stand, and no other stream has it there.
package struct ClaimSnapshotMark: Sendable, Equatable {
    package static let type = "com.salvage.recovery.claims-mark.v1"

    package let id: Claim.ID
    package let at: Moment
    package let worker: String

    package init(id: Claim.ID, at: Moment, worker: String) {
        self.id = id
        self.at = at
        self.worker = worker
    }

    /// The message on the stream (schemas/claims-mark.v1.schema.json).
    package func encoded() -> [UInt8] {
        let id = String(id, radix: 36)
        return CloudEvent.encode(id: "claims-mark/" + id, type: Self.type) { data in
            data.member("markId", id)
            data.member("at", at.milliseconds)
            data.member("worker", worker)
        }
    }

    package static func decode(_ bytes: [UInt8]) -> ClaimSnapshotMark? {
        do throws(EnvelopeFault) {
            let data = try CloudEvent.data(of: bytes, type: type)
            guard let id = UInt64(try data.text("markId"), radix: 36) else { return nil }
            return ClaimSnapshotMark(id: id, at: try data.moment("at"), worker: try data.text("worker"))
        } catch {
            return nil
        }
    }
}
