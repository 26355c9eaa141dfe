/// The words by which FlexFactor refuses a cancel because of the order's state. They prove that there is an order. That "your account
/// status does not allow this", or that "the operation could not be completed", proves none: it may be said where there is no order.
///
/// Each text is read by itself, so that a title lends no word to the sentence beside it. What is not heard here is asked again.
enum OrderStateWords {
    static func areSpoken(in text: String) -> Bool {
        let words = split(text)
        guard strangers.isDisjoint(with: words) else { return false }
        let orders = words.indices.filter { words[$0] == "order" || words[$0] == "orders" }
        if words.indices.contains(where: { words[$0] == "already" && words[($0 + 1)...].prefix(3).contains(where: ends.contains) }) {
            // A request may be that as well.
            return !orders.isEmpty || acts.isDisjoint(with: words)
        }
        guard bystanders.isDisjoint(with: words) else { return false }
        if words.indices.contains(where: { isNoCancel(words[...$0]) }) { return true }
        guard searches.isDisjoint(with: words) else { return false }
        if orders.contains(where: { isInNamedState(words, order: $0) }) { return true }
        guard failures.isDisjoint(with: words) else { return false }
        return orders.contains { isUnfit(words, order: $0) }
    }

    /// `cannot be cancelled`, `not in a cancellable`, `only pending orders can be cancelled`; but not `could not be cancelled`, which any
    /// fault may say.
    private static func isNoCancel(_ words: ArraySlice<String>) -> Bool {
        guard let last = words.last else { return false }
        if cancellable.contains(last) { return nots.contains(withoutFillers(words.dropLast()).last ?? "") }
        guard cancelled.contains(last), words.dropLast().last == "be" else { return false }
        let rest = withoutFillers(words.dropLast(2))
        return switch rest.last ?? "" {
        case "cannot", "cant": true
        case "not", "no": ["can", "may", "must"].contains(rest.dropLast().last ?? "")
        case "can": rest.contains("only")
        default: false
        }
    }

    /// `order in status completed`, `order has been captured`.
    private static func isInNamedState(_ words: [String], order place: Int) -> Bool {
        let behind = words[(place + 1)...]
        if let verb = behind.first, auxiliaries.contains(verb), failures.isDisjoint(with: words) {
            if ends.contains(behind.drop(while: auxiliaries.contains).first ?? "") { return true }
        }
        return near(words, place).contains { index in
            guard states.contains(words[index]) else { return false }
            return ends.contains(words[(index + 1)...].drop { $0 == "is" || $0 == "of" }.first ?? "")
        }
    }

    /// `order is not in a state that can be cancelled`, `order status does not allow`.
    private static func isUnfit(_ words: [String], order place: Int) -> Bool {
        near(words, place).contains { states.contains(words[$0]) } && words.contains { word in fits.contains { word.hasPrefix($0) } }
    }

    private static func near(_ words: [String], _ place: Int) -> Range<Int> { max(0, place - 6)..<min(words.count, place + 7) }

    private static func withoutFillers(_ words: ArraySlice<String>) -> ArraySlice<String> {
        var words = words
        while let last = words.last, fillers.contains(last) { words.removeLast() }
        return words
    }

    private static let states: Set<String> = ["state", "states", "status", "statuses"]
    private static let fits = ["cancel", "void", "allow", "permit", "valid", "invalid", "correct", "incorrect", "wrong", "eligible"]
    private static let ends: Set<String> = [
        "cancelled", "canceled", "captured", "completed", "refunded", "returned", "expired", "voided", "settled", "closed", "approved",
        "declined", "paid",
    ]
    private static let cancelled: Set<String> = ["cancelled", "canceled", "voided"]
    private static let cancellable: Set<String> = ["cancellable", "cancelable", "voidable"]
    private static let nots: Set<String> = ["not", "non", "isnt", "arent"]
    private static let fillers: Set<String> = ["a", "an", "in", "currently", "longer", "now", "yet"]
    private static let auxiliaries: Set<String> = ["is", "was", "has", "have", "been", "are", "were"]

    /// Who speaks of these speaks of the way to the order, or of another day.
    private static let strangers: Set<String> = [
        "account", "accounts", "permission", "permissions", "unauthorized", "forbidden", "credentials", "service", "server", "internal",
        "unavailable", "temporarily", "maintenance", "timeout", "later", "retry", "again", "unexpected", "exception", "token", "session",
        "key", "connection", "license", "subscription",
    ]
    private static let acts: Set<String> = ["request", "requests", "operation"]
    /// `orders of this merchant cannot be cancelled` says nothing of ours; that it was `already cancelled by merchant` does.
    private static let bystanders: Set<String> = ["merchant", "merchants", "site", "sites", "user", "users", "system", "api", "endpoint"]
    /// `no order found in a cancellable state` may mean that there is none.
    private static let searches: Set<String> = [
        "no", "none", "any", "find", "found", "exist", "exists", "unknown", "if", "whether", "request", "requests",
    ]
    /// `failed to cancel the order, status code 500`.
    private static let failures: Set<String> = [
        "could", "couldnt", "unable", "fail", "failed", "failure", "error", "errors", "code", "http", "update", "updating", "retrieve",
        "retrieving", "determine", "check", "checking", "fetch", "fetching", "load", "loading", "read", "reading",
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
