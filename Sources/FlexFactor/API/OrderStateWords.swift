/// The words by which FlexFactor refuses a cancel because of the order's state. They prove that there is an order. That "your account
/// status does not allow this", or that "the operation could not be completed", proves none: it may be said where there is no order.
///
/// What is not heard here is asked again.
enum OrderStateWords {
    /// - Parameter texts: of one answer: that there is none may stand beside the title that it cannot be cancelled.
    static func areSpoken(in texts: [String]) -> Bool {
        let all = texts.map(split)
        return all.allSatisfy { strangers.isDisjoint(with: $0) && !saysThereIsNone($0) } && all.contains(where: speakOfState)
    }

    /// `no order with this id`, `the id is invalid`, `the status field is invalid`.
    private static func saysThereIsNone(_ words: [String]) -> Bool {
        if !invalid.isDisjoint(with: words) || zip(words, words.dropFirst()).contains(where: { $0 == "not" && $1 == "valid" }) {
            if !fields.isDisjoint(with: words) { return true }
        }
        return zip(words, words.dropFirst()).contains { $0 == "no" && $1 == "order" }
    }

    private static func speakOfState(_ words: [String]) -> Bool {
        let isNamed = words.indices.contains { isStateNamed(words, at: $0) }
        // `Already cancelled by merchant` has no other subject than what was asked for.
        if isNamed, let first = words.first, words.contains("already"), bare.contains(first) { return true }
        if isNamed, !transitions.isDisjoint(with: words) { return true }
        let isOne = words.contains("order")
        if isNamed, isOne { return true }
        // `Orders of this merchant cannot be cancelled: it is closed` says nothing of ours; `orders in status 'Completed'` and `only pending orders` do.
        if isNamed, words.contains("orders"), words.contains("only") || !states.isDisjoint(with: words) { return true }
        guard isOne else { return false }
        if words.indices.contains(where: { isNoCancel(words[...$0]) }) { return true }
        if zip(words, words.dropFirst()).contains(where: { $0 == "too" && $1 == "late" }) { return true }
        guard failures.isDisjoint(with: words) else { return false }
        return !states.isDisjoint(with: words) && words.contains { word in fits.contains { word.hasPrefix($0) } }
    }

    /// `order is completed`, `already captured`, `in status 'Processing'`, `from state Completed`, `a completed order`; but not `could not be processed`.
    private static func isStateNamed(_ words: [String], at place: Int) -> Bool {
        guard ends.contains(words[place]) else { return false }
        let before = withoutFillers(words[..<place]).last ?? ""
        if said.contains(before) { return true }
        guard failures.isDisjoint(with: words) else { return false }
        if led.contains(before) { return true }
        let isItsOrder = place + 1 < words.count && (words[place + 1] == "order" || words[place + 1] == "orders")
        return isItsOrder && (before.hasPrefix("cancel") || before == "void" || before == "only")
    }

    /// `cannot be cancelled`, `not in a cancellable`, `can only be cancelled before`, `not eligible for cancellation`; but not `could not be
    /// cancelled`, which any fault may say.
    private static func isNoCancel(_ words: ArraySlice<String>) -> Bool {
        guard let last = words.last else { return false }
        if cancellable.contains(last) { return nots.contains(withoutFillers(words.dropLast()).last ?? "") }
        if last.hasPrefix("cancellation"), words.contains("eligible") { return !nots.isDisjoint(with: words) }
        guard cancelled.contains(last), words.dropLast().last == "be" else { return false }
        let rest = withoutFillers(words.dropLast(2))
        return switch rest.last ?? "" {
        case "cannot", "cant": true
        case "not", "no": ["can", "may", "must"].contains(rest.dropLast().last ?? "")
        case "only": rest.dropLast().last == "can"
        case "can": rest.contains("only")
        default: false
        }
    }

    private static func withoutFillers(_ words: ArraySlice<String>) -> ArraySlice<String> {
        var words = words
        while let last = words.last, fillers.contains(last) { words.removeLast() }
        return words
    }

    private static let ends: Set<String> = [
        "cancelled", "canceled", "captured", "completed", "refunded", "returned", "expired", "voided", "settled", "closed", "approved",
        "declined", "paid", "processed", "processing", "pending", "submitted", "fulfilled", "shipped", "funded", "final", "terminal",
        "capturerequired",
    ]
    /// Behind these it is said of the order, whatever else went wrong.
    private static let said: Set<String> = ["already", "is", "was", "been", "being"]
    private static let led: Set<String> = ["state", "states", "status", "statuses", "from", "not", "of", "order", "has", "only"]
    private static let bare: Set<String> = ["already", "it", "was", "has", "is", "this"]
    private static let transitions: Set<String> = ["transition", "transitions"]
    private static let states: Set<String> = ["state", "states", "status", "statuses"]
    private static let fits = ["cancel", "void", "allow", "permit", "eligible"]
    private static let cancelled: Set<String> = ["cancelled", "canceled", "voided"]
    private static let cancellable: Set<String> = ["cancellable", "cancelable", "voidable"]
    private static let nots: Set<String> = ["not", "non", "isnt", "arent", "cannot", "cant"]
    private static let fillers: Set<String> = ["a", "an", "the", "in", "currently", "longer", "now", "yet", "anymore"]
    private static let invalid: Set<String> = ["invalid", "malformed", "incorrect", "wrong", "missing", "required"]
    private static let fields: Set<String> = [
        "id", "ids", "identifier", "reference", "field", "fields", "parameter", "format", "value", "values", "valid",
    ]

    /// Who speaks of these speaks of the way to the order, of another day, or says that there may be none.
    private static let strangers: Set<String> = [
        "account", "accounts", "permission", "permissions", "role", "roles", "unauthorized", "forbidden", "credentials", "certificate",
        "service", "server", "internal", "unavailable", "temporarily", "maintenance", "timeout", "later", "retry", "again", "exception",
        "token", "session", "key", "connection", "license", "subscription", "find", "found", "exist", "exists", "unknown", "none",
        "match", "matching", "belong", "belongs", "if", "whether", "determine",
    ]
    /// `failed to cancel the order, status code 500`, `may not change the order's status`.
    private static let failures: Set<String> = [
        "fail", "failed", "failure", "error", "errors", "code", "http", "update", "updating", "retrieve", "retrieving", "check", "checking",
        "fetch", "fetching", "load", "loading", "read", "reading", "change", "changes", "changing", "you",
    ]

    /// In small letters; `OrderNotCancellable` and `ORDER_NOT_CANCELLABLE` are three, `can't` is one.
    private static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var endsSmall = false
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x61...0x7A:
                word.unicodeScalars.append(scalar)
                endsSmall = true
            case 0x41...0x5A:
                if endsSmall {
                    words.append(word)
                    word = ""
                }
                word.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
                endsSmall = false
            case 0x27, 0x2019: break
            default:
                if !word.isEmpty { words.append(word) }
                word = ""
                endsSmall = false
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
