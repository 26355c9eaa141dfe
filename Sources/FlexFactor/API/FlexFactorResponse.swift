import DeclineRecovery
import JSON

/// FlexFactor's answers, read tolerantly: fields may come and go, names are compared without case, and what cannot be read is said to be so.
enum FlexFactorResponse {
    /// The body as a JSON object; `nil` for anything else, e.g. a gateway's HTML.
    static func object(_ response: HTTPResponse) -> JSONValue? {
        do throws(JSONError) {
            let value = try JSONValue(parsing: response.body.span, limits: limits)
            return value.object == nil || value.contradictsItself(in: names) ? nil : value
        } catch {
            return nil
        }
    }

    /// The same in place, for what asks after a few of its fields: an answer of `evaluate` comes with every charge.
    private static func document(_ response: HTTPResponse) -> JSONNode? {
        guard let document = try? JSONDocument(response.body, limits: limits), document.root.isObject else { return nil }
        if document.mayRepeatItself, document.root.value.contradictsItself(in: names) { return nil }
        return document.root
    }

    private static let limits = JSONLimits(bytes: HTTPConnection.bodyLimit, depth: 512, isTolerant: true)

    /// The names that are read here, in lower case.
    private static let names: Set<String> = [
        "accesstoken", "amount", "capturestatus", "correlationid", "currencycode", "data", "errors", "expires", "externalid",
        "externalorderid", "externalorderreference", "hasnextpage", "id", "item1", "items", "mid", "orderid", "orderplaceddate", "orders",
        "ordersessionkey", "payment_method", "responsecode", "responsemessage", "result", "status", "statusname", "success", "token",
        "traceid", "transaction",
    ]

    static func evaluated(_ response: HTTPResponse) -> FlexFactorAnswer {
        guard let body = document(response), let word = body[anyCase: "status"]?.string else {
            return .failed(.unknown(.unreadable("evaluate answered \(response.status) without a readable status")))
        }
        let id = named(body[anyCase: "orderSessionKey"]?.string) ?? named(body[anyCase: "orderId"]?.string)
        var status = EvaluationStatus(word: word)
        if !status.isRecognised {
            let folded = EvaluationStatus(word: OrderStatus.folded(word))
            if folded.isRecognised { status = folded }
        }
        // What says two things is no approval: its order says which of them holds.
        if status == .approved, body[anyCase: "success"]?.flag == false { status = .unrecognised("\(word), success false") }
        return .evaluated(status, id)
    }

    /// The order that an id names. It is a GUID. It is told to the CRM and kept for months; what reads as a card number is none.
    private static func named(_ id: String?) -> FlexFactorOrderID? {
        guard let id, CardDataGuard.finding(in: id) == nil else { return nil }
        return FlexFactorOrderID(naming: id)
    }

    /// The order that an answer of `evaluate` names, whatever call has read it.
    static func sessionKey(_ response: HTTPResponse) -> FlexFactorOrderID? {
        document(response)?[anyCase: "orderSessionKey"]?.string.flatMap(FlexFactorOrderID.init(naming:))
    }

    static func captured(_ response: HTTPResponse) -> FlexFactorAnswer {
        guard let body = object(response) else { return .failed(.unknown(.unreadable("capture answered without a readable body"))) }
        // `responseMessage` is the processor's word and decides nothing.
        let words = said(["status", "captureStatus"], of: body)
        let isDone = words.contains("SUCCESS") || words.contains("APPROVED") || words.contains("CAPTURED")
        // What says two things says neither, and a word that nobody knows nothing.
        guard words.contains("FAILED") != isDone, body[anyCase: "success"]?.flag ?? isDone == isDone else {
            return .failed(.unknown(.unreadable("capture answered with a status that is not known")))
        }
        return isDone ? .captured : .captureFailed(code: code(of: body))
    }

    /// What some members say, as it is compared; what is empty says nothing.
    private static func said(_ names: [String], of body: JSONValue) -> [String] {
        names.compactMap { body[anyCase: $0]?.string.map(OrderStatus.folded) }.filter { !$0.isEmpty }
    }

    /// A code may be written as a number.
    private static func code(of body: JSONValue) -> String? {
        let code = body[anyCase: "responseCode"]
        return code?.string.flatMap { $0.isEmpty ? nil : $0 } ?? code?.int64.map { String($0) }
    }

    static func refunded(_ response: HTTPResponse, without withheld: Withheld) -> FlexFactorAnswer {
        guard let body = object(response) else { return .failed(.unknown(.unreadable("refund answered without a readable body"))) }
        let status = said(["status"], of: body).first ?? ""
        let word: Bool? = ["SUCCESS", "APPROVED"].contains(status) ? true : status == "FAILED" ? false : nil
        let success = body[anyCase: "success"]?.flag
        // What says two things, or a word that nobody knows, is not known.
        guard status.isEmpty || word != nil, let isDone = word ?? success, isDone == success ?? isDone else {
            return .failed(.unknown(.unreadable("refund answered with a status that is not known")))
        }
        // `responseMessage` may say DECLINED beside it, which is the processor's word and decides nothing.
        if isDone { return .refunded }
        let words = body[anyCase: "errors"]?.array?.compactMap { $0[anyCase: "item1"]?.string ?? $0.string } ?? []
        let text = words.first ?? body[anyCase: "responseMessage"]?.string ?? "FlexFactor answered FAILED."
        return .refundFailed(code: code(of: body).map { clean($0, withheld) }, clean(text, withheld))
    }

    /// The token of `tokenize`'s answer, which stands deep inside it.
    static func token(_ response: HTTPResponse) -> CardToken? {
        let method = object(response)?[anyCase: "transaction"]?[anyCase: "payment_method"]
        return method?[anyCase: "token"]?.string.flatMap { $0.isEmpty ? nil : CardToken($0) }
    }

    /// An order counts only for the id that was asked for.
    static func order(_ response: HTTPResponse, _ id: FlexFactorOrderID) -> FlexFactorAnswer {
        guard let body = object(response), let order = order(body), order.id.isSame(as: id) else {
            return .failed(.unknown(.unreadable("orders answered without a readable order of that id")))
        }
        return .found(order)
    }

    static func isSaidPaid(_ response: HTTPResponse) -> Bool { object(response).map(OrderStatus.isSaidPaid) == true }

    private static func order(_ value: JSONValue) -> FlexFactorOrder? {
        guard let id = value[anyCase: "id"]?.string.map(FlexFactorOrderID.init(written:)), !id.text.isEmpty else { return nil }
        let echo = echoes.lazy.compactMap { value[anyCase: $0]?.string.flatMap { RecoveryReference($0) } }.first
        return FlexFactorOrder(
            id: id, state: OrderStatus.state(of: value), echo: echo,
            minorUnits: value[anyCase: "amount"]?.int64.flatMap { Money.plausible.contains($0) ? $0 : nil },
            currency: value[anyCase: "currencyCode"]?.string.flatMap { Currency($0.uppercased()) },
            // A time that says no zone is UTC's.
            placedAt: value[anyCase: "orderPlacedDate"]?.string.flatMap { Moment(rfc3339: $0) ?? Moment(rfc3339: $0 + "Z") },
            account: value[anyCase: "mid"]?.string.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// Where an account's orders may be seen to echo our reference; none is documented, and FlexFactor may write an id of its own into each.
    /// `orderId` and `referenceNumber` always are its own.
    private static let echoes = ["externalOrderId", "externalOrderReference", "externalId", "correlationId"]

    /// One page of the list of orders.
    struct Page: Sendable {
        let orders: [FlexFactorOrder]
        let hasNext: Bool
        /// Whether each of its orders can be read.
        let isWhole: Bool
        /// The numbers of the statuses that the answer calls a chargeback.
        let disputed: [Int64]
    }

    /// `nil` where it is not of that form.
    static func page(_ response: HTTPResponse) -> Page? {
        guard let body = object(response), let list = body[anyCase: "orders"],
            let items = list.array ?? list[anyCase: "data"]?.array ?? list[anyCase: "items"]?.array ?? list[anyCase: "orders"]?.array
        else { return nil }
        let orders = items.compactMap(order)
        return Page(
            orders: orders, hasNext: list[anyCase: "hasNextPage"]?.flag ?? false, isWhole: orders.count == items.count,
            disputed: (body.object ?? []).flatMap { disputed($0.value) })
    }

    /// In a map of numbers and names; what it is called is not documented.
    private static func disputed(_ map: JSONValue) -> [Int64] {
        (map.object ?? []).compactMap { member in member.value.string?.lowercased() == "chargeback" ? Int64(member.name) : nil }
    }

    /// Of several orders that carry one reference, one that took money is the truth to be told.
    static func better(_ best: FlexFactorOrder?, _ others: [FlexFactorOrder]) -> FlexFactorOrder? {
        let all = (best.map { [$0] } ?? []) + others
        return all.first { $0.state.tookMoney } ?? all.first { $0.state == .captureRequired } ?? all.first
    }

    /// What a cancel came to; `nil` where the answer does not say it. A yes has an empty body, or an object that does not say no. A no
    /// counts by its words: that the order is not to be cancelled as it is, or that there is none. One that may mean either says neither.
    ///
    /// - Parameter reference: by which it was asked: then a no has to prove that there is an order (`OrderStateWords`). `nil` for an order
    ///   that FlexFactor named itself.
    static func cancelled(_ response: HTTPResponse, of reference: RecoveryReference? = nil) -> FlexFactorAnswer? {
        let isSuccess = (200..<300).contains(response.status)
        if isSuccess, response.body.allSatisfy({ $0 <= 0x20 }) { return .cancelAccepted }
        guard let body = object(response) else { return nil }
        if isSuccess, body[anyCase: "success"]?.flag != false, said(["status"], of: body) != ["FAILED"] {
            // What shows the order as paid beside it says two things.
            return OrderStatus.isSaidPaid(body) ? nil : .cancelAccepted
        }
        guard isSuccess || isItsNo(response) else { return nil }
        // A merchant may be called `upstate`: what is quoted of ours says nothing.
        let said = texts(body).map { reference?.removed(from: $0) ?? $0 }
        let words = said.joined(separator: " ").lowercased()
        func says(_ phrases: [String]) -> Bool { phrases.contains { words.contains($0) } }
        let isAbsent = response.status == 404 || says(["not found", "no such", "not exist", "n't exist", "unknown order", "be found"])
        let mayBeUnfit = says(["state", "status", "be cancel", "already", "completed", "captured", "not allowed"])
        let isUnfit = reference == nil ? mayBeUnfit : OrderStateWords.areSpoken(in: said)
        switch response.status {
        case 200..<300, 400, 404, 422: return isAbsent ? (mayBeUnfit || isUnfit ? nil : .noSuchOrder) : isUnfit ? .cancelRefused : nil
        default: return nil
        }
    }

    /// Whether an answer is FlexFactor's own, by what all its shapes have and the page or the object of an edge has not: a trace id, a map
    /// of fields with sentences, or the envelope of success and errors.
    static func isItsOwn(_ response: HTTPResponse) -> Bool {
        guard let body = object(response) else { return false }
        if body[anyCase: "traceId"] != nil { return true }
        if body[anyCase: "success"]?.bool != nil, body[anyCase: "errors"]?.array != nil { return true }
        return !fields(response).isEmpty
    }

    /// Whether a refusal is FlexFactor's own, and does not call itself a success besides.
    static func isItsNo(_ response: HTTPResponse) -> Bool {
        isItsOwn(response) && object(response).map(Contradiction.saysYes) != true
    }

    /// What a person would read: what names the request or the kind of answer repeats the path, and our reference in it.
    private static func texts(_ value: JSONValue) -> [String] {
        if let text = value.string { return [text] }
        if let list = value.array { return list.flatMap(texts) }
        let members = value.object?.filter { !["instance", "type", "traceid"].contains($0.name.lowercased()) } ?? []
        return members.flatMap { texts($0.value) }
    }

    /// FlexFactor's field errors from either of its two shapes: an ASP.NET problem, or the bare map with a TraceId among the fields.
    static func fieldErrors(_ response: HTTPResponse, without withheld: Withheld) -> [FieldError] {
        fields(response).map { FieldError(path: clean($0.name, withheld), message: clean($0.message, withheld)) }
    }

    /// In its own words, which are for nobody yet.
    private static func fields(_ response: HTTPResponse) -> [(name: String, message: String)] {
        guard let body = object(response) else { return [] }
        let map = body[anyCase: "errors"]?.object ?? body.object ?? []
        return map.flatMap { member -> [(name: String, message: String)] in
            guard member.name.lowercased() != "traceid", let messages = member.value.array else { return [] }
            return messages.compactMap(\.string).map { (member.name, $0) }
        }
    }

    /// FlexFactor's words go into results and letters; a value that it quotes must bring neither card data along nor what it was sent in confidence.
    private static func clean(_ text: String, _ withheld: Withheld) -> String {
        CardDataGuard.redacted(withheld.removed(from: text, atMost: 300))
    }
}
