import JSON

/// Our envelope between stages (messages.md, `com.salvage.recovery.work.v1`): the recovery and nothing else.
///
/// An older worker that meets a newer version must not guess at it; `decode` says so, and the stage hands the message back.
package enum WorkEnvelope {
    package static let type = "com.salvage.recovery.work.v1"
    private static let family = "com.salvage.recovery.work.v"

    package enum Decoded: Sendable, Equatable {
        case recovery(Recovery)
        /// Written by a worker of a later version; its type.
        case newer(type: String)
        /// Not an envelope, or not whole; why.
        case unreadable(String)
    }

    package static func id(of recovery: Recovery) -> String { recovery.reference.text.with("/work") }

    package static func encode(_ recovery: Recovery) -> [UInt8] { encode(recovery, as: id(of: recovery)) }

    /// - Parameter id: the recovery's, for whoever has it at hand.
    package static func encode(_ recovery: Recovery, as id: String) -> [UInt8] {
        CloudEvent.encode(id: id, type: type, subject: recovery.reference.text, reserving: 1_792) { write(recovery, to: &$0) }
    }

    package static func decode(_ bytes: [UInt8]) -> Decoded {
        let event: JSONNode
        do throws(JSONError) {
            event = try JSONDocument(bytes).root
        } catch {
            return .unreadable(error.description)
        }
        guard let told = event["type"], told.isText else { return .unreadable("$.type: missing; expected \(type)") }
        if !told.says(type) {
            guard let seen = told.string, seen.hasPrefix(family), let version = Int(seen.dropFirst(family.count)), version > 1 else {
                return .unreadable("$.type: expected \(type)")
            }
            return .newer(type: seen)
        }
        guard let data = event["data"] else { return .unreadable("$.data: missing") }
        do throws(EnvelopeFault) {
            return .recovery(try readRecovery(EnvelopeReader(data, FieldPath.root.member("data"))))
        } catch {
            return .unreadable(error.description)
        }
    }
}
