import DeclineRecovery
import JSON

/// What calls itself a refusal by its status (400, 401, 422, 429), and says otherwise.
///
/// A body that names an order, says that it went well, or says how the charge stands says two things: what was asked may have been done. It
/// is unknown then, as an answer that is lost, and FlexFactor is asked by our reference; the order that is named need not be ours.
enum Contradiction {
    /// - Parameter call: `nil` where that does not matter.
    static func saysOtherwise(_ response: HTTPResponse, of call: FlexFactorCall?) -> Bool {
        guard let body = FlexFactorResponse.object(response) else { return false }
        let words = ["status", "captureStatus", "result"].compactMap { body[anyCase: $0]?.string.map(OrderStatus.folded) }
        if saysYes(body) || !done.isDisjoint(with: words) { return true }
        switch call {
        case .evaluate, .recall, nil: return words.contains { EvaluationStatus(word: $0).isRecognised } || namesOrder(body)
        // Of what is done to an order a refusal may name it, and say how it stands.
        case .find, .lookUp, .cancel, .cancelByReference, .capture, .refund: return false
        }
    }

    /// Whether an answer calls itself a success, whatever its status.
    static func saysYes(_ body: JSONValue) -> Bool { body[anyCase: "success"]?.flag == true }

    private static let done: Set<String> = ["SUCCESS", "SUCCEEDED", "APPROVED", "CAPTURED", "COMPLETED"]

    /// An order of FlexFactor's, however deep: ours is no GUID, and a list of sentences under such a name is what is wrong with the field.
    private static func namesOrder(_ value: JSONValue) -> Bool {
        if let list = value.array { return list.contains(where: namesOrder) }
        return (value.object ?? []).contains { member in
            switch (member.name.lowercased(), member.value.string) {
            case ("ordersessionkey", let id?): FlexFactorOrderID(naming: id) != nil
            case ("orderid", let id?): UUID5.guid(id).map { $0 != .empty } ?? false
            default: namesOrder(member.value)
            }
        }
    }
}
