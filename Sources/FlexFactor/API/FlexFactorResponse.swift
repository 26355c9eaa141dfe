import DeclineRecovery

/// FlexFactor's answers, read tolerantly: fields may come and go, names are compared without case, and what cannot be read is said to be so.
enum FlexFactorResponse {
    /// The body as a JSON object; `nil` for anything else, e.g. a gateway's HTML.
    static func object(_ response: HTTPResponse) -> JSONValue? {
        do throws(JSONError) {
            let value = try JSONValue(parsing: response.body.span, limits: JSONLimits(bytes: HTTPConnection.bodyLimit, depth: 64))
            return value.object == nil ? nil : value
        } catch {
            return nil
        }
    }

    static func evaluated(_ response: HTTPResponse) -> FlexFactorAnswer {
        guard let body = object(response), let word = body[anyCase: "status"]?.string else {
            return .failed(.unknown(.unreadable("evaluate answered \(response.status) without a readable status")))
        }
        let id = body[anyCase: "orderSessionKey"]?.string ?? body[anyCase: "orderId"]?.string
        return .evaluated(EvaluationStatus(word: word), id.flatMap { $0.isEmpty ? nil : FlexFactorOrderID($0) })
    }

    static func captured(_ response: HTTPResponse) -> FlexFactorAnswer {
        guard let body = object(response) else { return .failed(.unknown(.unreadable("capture answered without a readable body"))) }
        let words = ["status", "captureStatus", "responseMessage"].compactMap { body[anyCase: $0]?.string?.uppercased() }
        if words.contains("FAILED") { return .captureFailed(code: body[anyCase: "responseCode"]?.string) }
        if words.contains("SUCCESS") || words.contains("APPROVED") || words.contains("CAPTURED") { return .captured }
        return .failed(.unknown(.unreadable("capture answered with a status that is not known")))
    }

    /// The token of `tokenize`'s answer, which stands deep inside it.
    static func token(_ response: HTTPResponse) -> CardToken? {
        let method = object(response)?[anyCase: "transaction"]?[anyCase: "payment_method"]
        return method?[anyCase: "token"]?.string.flatMap { $0.isEmpty ? nil : CardToken($0) }
    }

    static func order(_ response: HTTPResponse) -> FlexFactorAnswer {
        guard let body = object(response), let order = order(body) else {
            return .failed(.unknown(.unreadable("orders answered without a readable order")))
        }
        return .found(order)
    }

    private static func order(_ value: JSONValue) -> FlexFactorOrder? {
        guard let id = value[anyCase: "id"]?.string, !id.isEmpty else { return nil }
        return FlexFactorOrder(id: FlexFactorOrderID(id), state: state(value))
    }

    private static func state(_ order: JSONValue) -> FlexFactorOrder.State {
        let name = order[anyCase: "statusName"]?.string ?? order[anyCase: "status"]?.string
        switch name?.uppercased() {
        case "DRAFT": return .draft
        case "ONHOLD": return .onHold
        case "CANCELLED": return .cancelled
        case "PROBLEM": return .problem
        case "PROCESSING": return .processing
        case "CAPTUREREQUIRED": return .captureRequired
        case "RETURNED": return .returned
        case "COMPLETED": return .completed
        case "CHARGEBACK": return .chargeback
        case let name?: return .unrecognised(name)
        case nil: break
        }
        guard let number = order[anyCase: "status"]?.int64 else { return .unrecognised("(none)") }
        let states: [FlexFactorOrder.State] = [.draft, .onHold, .cancelled, .problem, .processing, .captureRequired, .returned, .completed]
        return states.indices.contains(Int(clamping: number)) ? states[Int(number)] : .unrecognised(String(number))
    }

    /// The order of a list that echoes our reference. The field's name is not documented, so each candidate is tried. Where several
    /// orders carry it, one that took money is the truth to be told.
    static func search(_ response: HTTPResponse, for reference: RecoveryReference) -> FlexFactorAnswer {
        guard let body = object(response), let list = body[anyCase: "orders"] else {
            return .failed(.unknown(.unreadable("the list of orders cannot be read")))
        }
        guard let items = list.array ?? list[anyCase: "data"]?.array ?? list[anyCase: "items"]?.array ?? list[anyCase: "orders"]?.array else {
            return .failed(.unknown(.unreadable("the list of orders has no orders member that is a list")))
        }
        if items.isEmpty { return .noSuchOrder }
        let names = ["externalOrderId", "externalOrderReference", "externalId", "orderId", "referenceNumber"]
        var hasEcho = false
        let matches = items.filter { item in
            names.contains { name in
                guard let echo = item[anyCase: name]?.string else { return false }
                hasEcho = true
                return echo == reference.text
            }
        }.compactMap(order)
        if let charged = matches.first(where: { $0.state.tookMoney }) ?? matches.first(where: { $0.state == .captureRequired }) ?? matches.first {
            return .found(charged)
        }
        return hasEcho ? .noSuchOrder : .failed(.unknown(.unreadable("the orders listed do not say to which reference they belong")))
    }

    /// FlexFactor's field errors from either of its two shapes: an ASP.NET problem, or the bare map with a TraceId among the fields.
    static func fieldErrors(_ response: HTTPResponse) -> [FieldError] {
        guard let body = object(response) else { return [] }
        let map = body[anyCase: "errors"]?.object ?? body.object ?? []
        return map.flatMap { member -> [FieldError] in
            guard member.name.lowercased() != "traceid", let messages = member.value.array else { return [] }
            return messages.compactMap(\.string).map { FieldError(path: clean(member.name), message: clean($0)) }
        }
    }

    /// FlexFactor's words go into results and letters; a value that it quotes must not bring card data along.
    private static func clean(_ text: String) -> String { CardDataGuard.redacted(String(text.prefix(300))) }
}

extension FlexFactorOrder.State {
    var tookMoney: Bool {
        switch self {
        case .completed, .returned, .chargeback: true
        default: false
        }
    }
}
