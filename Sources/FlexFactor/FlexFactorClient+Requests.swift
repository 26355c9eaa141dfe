import DeclineRecovery
import JSON

/// The calls as requests over HTTP.
extension FlexFactorClient {
    func post(_ path: String, _ body: [UInt8], _ traceparent: String?, bearer: Secret? = nil) -> HTTPRequest {
        HTTPRequest(
            method: .post, path: credentials.origin.basePath + path,
            fields: fields(traceparent, bearer, hasBody: true), body: body)
    }

    func get(_ path: String, _ traceparent: String?, bearer: Secret) -> HTTPRequest {
        HTTPRequest(method: .get, path: credentials.origin.basePath + path, fields: fields(traceparent, bearer, hasBody: false), body: [])
    }

    /// - Parameter bearer: as a token has it for this header.
    private func fields(_ traceparent: String?, _ bearer: Secret?, hasBody: Bool) -> HeaderFields {
        // The signature's come behind them.
        var fields = HeaderFields(reserving: 860 + (bearer?.exposed.utf8.count ?? 0))
        fields.add("accept", "application/json")
        // Who says nothing takes any coding, and an edge may refuse who does not say who it is.
        fields.add("accept-encoding", "identity")
        fields.add("user-agent", "salvage")
        if hasBody { fields.add("content-type", "application/json") }
        if let bearer { fields.add("authorization", bearer.exposed) }
        if let traceparent {
            fields.add(TraceHeader.name, traceparent)
            if let state = TraceState.current { fields.add(TraceHeader.state, state) }
        }
        return fields
    }

    func request(_ call: FlexFactorCall, bearer: Secret, _ traceparent: String?) -> HTTPRequest {
        switch call {
        case .evaluate(let charge, let key), .recall(let charge, let key):
            post("/evaluate", EvaluateRequest.body(charge, idempotencyKey: key, credentials: credentials), traceparent, bearer: bearer)
        case .find(let reference, _): get("/orders?query=\(reference.text.percentEncoded)", traceparent, bearer: bearer)
        case .lookUp(let id): get("/orders/\(id.text.percentEncoded)", traceparent, bearer: bearer)
        case .cancel(let id): post("/orders/\(id.text.percentEncoded)/cancel", Self.nothing, traceparent, bearer: bearer)
        case .cancelByReference(let reference):
            post("/orders/\(reference.text.percentEncoded)/external-cancel", Self.nothing, traceparent, bearer: bearer)
        case .refund(let id, let amount): post("/orders/\(id.text.percentEncoded)/refund", refundBody(amount), traceparent, bearer: bearer)
        case .capture(let id, let amount, let key): post("/capture", captureBody(id, amount, key), traceparent, bearer: bearer)
        }
    }

    private static let nothing = Array("{}".utf8)

    private func captureBody(_ id: FlexFactorOrderID, _ amount: Money, _ key: UUID5) -> [UInt8] {
        var json = JSONWriter()
        json.object { body in
            body.member("idempotencyKey", key.description)
            body.member("orderId", id.text)
            body.member("amount", amount.minorUnits)
            body.member("currency", amount.currency.code)
        }
        return json.bytes
    }

    /// Refunds are in the currency's units, unlike all else: 12.34, not 1,234.
    private func refundBody(_ amount: Money) -> [UInt8] {
        let digits = amount.currency.fractionDigits
        var text = String(amount.minorUnits)
        if digits > 0 {
            text = String(repeating: "0", count: max(0, digits + 1 - text.utf8.count)) + text
            text = text.dropLast(digits) + "." + text.suffix(digits)
        }
        var json = JSONWriter()
        json.object { $0.member("amountToRefund", JSONValue.number(text)) }
        return json.bytes
    }

    func signed(_ request: consuming HTTPRequest) -> HTTPRequest {
        guard let key = credentials.signingKeys.first else { return request }
        request.fields.sign(
            request.body, method: request.method.rawValue, host: credentials.origin.authority, key: key, now: now())
        return request
    }
}
