package import DeclineRecovery
package import JSON
import Pipeline

/// A letter's message with a correction: the original stays as it is, and both are shown.
package struct LetterEdit: Sendable, Equatable {
    package let before: JSONValue
    package let after: JSONValue
    package let patch: JSONPatch

    package var differences: [JSONDifference] { JSONDifference.between(before, after) }

    /// Applies a correction, or says why it may not be made.
    package static func apply(_ patch: JSONPatch, to letter: DeadLetter) -> Result<LetterEdit, LetterEditRefusal> {
        if let refusal = refusal(of: patch, letter) { return .failure(refusal) }
        // What is no JSON can only be replaced as a whole.
        let before = letter.original.json ?? .null
        let after: JSONValue
        do throws(JSONPatchError) {
            after = try patch.applied(to: before)
        } catch {
            return .failure(.patch(error))
        }
        guard CardDataGuard.isClean(after), isClean(patch, from: before, to: after) else { return .failure(.cardData) }
        return .success(LetterEdit(before: before, after: after, patch: patch))
    }

    /// Whether no operation writes card data that a later one takes away again: the patch itself is kept and shown.
    private static func isClean(_ patch: JSONPatch, from before: JSONValue, to after: JSONValue) -> Bool {
        let written = patch.operations.compactMap { operation -> JSONPatch.Operation? in
            switch operation {
            case .add(let path, let value), .replace(let path, let value): .test(path, value)
            case .remove, .move, .copy, .test: nil
            }
        }
        // What all stands there in the end was looked at there.
        if (try? JSONPatch(written).applied(to: after)) != nil { return true }
        var value = before
        return patch.operations.allSatisfy { operation in
            guard let next = try? JSONPatch([operation]).applied(to: value) else { return false }
            value = next
            return CardDataGuard.isClean(next)
        }
    }

    /// Makes what a correction says of a letter's message, or says why it may not be made.
    static func make(
        _ correction: LetterCorrection, of letter: DeadLetter, merchants: (any MerchantDirectory)?, now: Moment
    ) -> Result<LetterEdit, LetterEditRefusal> {
        switch correction {
        case .patch(let patch): return apply(patch, to: letter)
        case .rerun:
            guard letter.stage == .intake,
                let rerun = Suggestion.rerun(letter.original.json, now, { merchants?.merchant($0) })
            else { return .failure(.noRerun) }
            return apply(rerun.patch, to: letter)
        }
    }

    private static func refusal(of patch: JSONPatch, _ letter: DeadLetter) -> LetterEditRefusal? {
        switch letter.stage {
        case .intake: return nil
        case .cascade, .retry:
            let paths = patch.operations.flatMap(\.writes)
            guard let outside = paths.first(where: { path in !editable.contains { path.tokens.starts(with: $0.tokens) } }) else {
                return nil
            }
            return .outside(outside, allowed: editable)
        default: return .notEditable(letter.stage)
        }
    }

    /// What a person may correct of a recovery on its way: what the charge says of the customer and the card. Amount, reference and
    /// phase are what keep it from being charged twice.
    private static let editable = ["billing", "shipping", "payer", "paymentMethod", "items", "customerIp"].map {
        JSONPointer(tokens: ["data", "charge", $0])
    }

    /// Why a letter's message cannot be corrected at all; `nil` where it can.
    static func whyNot(_ letter: DeadLetter) -> String? {
        if letter.handling == .reconcile { return "It is not corrected: whether it was charged has to be found out first." }
        let isOpen =
            switch letter.stage {
            case .intake: true
            case .cascade, .retry: letter.original.json?["type"]?.string == WorkEnvelope.type
            default: false
            }
        return isOpen ? nil : "This message cannot be corrected here: mend what sent it, or what kept it from being processed."
    }
}

extension JSONPatch.Operation {
    /// The places that it changes.
    fileprivate var writes: [JSONPointer] {
        switch self {
        case .add(let path, _), .remove(let path), .replace(let path, _): [path]
        case .move(let from, let to): [from, to]
        case .copy(_, let to): [to]
        case .test: []
        }
    }
}

/// Why a correction may not be made.
package enum LetterEditRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case notEditable(Stage)
    case outside(JSONPointer, allowed: [JSONPointer])
    case cardData
    case noRerun
    case patch(JSONPatchError)

    package var description: String {
        switch self {
        case .notEditable(let stage):
            "a message of the \(stage.rawValue) stage is not corrected by hand; mend what sent it, or what kept it from being processed"
        case .outside(let path, let allowed):
            "\(path) of a recovery on its way may not be changed; only \(allowed.map(\.description).joined(separator: ", ")) may"
        case .cardData:
            "the corrected message holds a card number, a security code or a card token in clear; put an encryptedCard there (`salvage keys seal` makes one)"
        case .noRerun: "nothing of it can be made a rerun: it is no instant decline whose time is over, of a merchant that is configured"
        case .patch(let error): error.description
        }
    }
}
