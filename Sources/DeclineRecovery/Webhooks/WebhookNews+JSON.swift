import JSON

extension WebhookNews {
    /// Reads a webhook's body; `nil` unless it is a JSON object with an event. Names are compared without regard to case.
    ///
    /// - Parameter sentAt: when this delivery was sent, by FlexFactor's clock.
    package init?(body: [UInt8], merchantID: MerchantID, gatewayID: GatewayID, receivedAt: Moment, sentAt: Moment? = nil) {
        guard let value = try? JSONValue(parsing: body.span, limits: Self.limits), !value.contradictsItself(in: Self.names),
            let event = value[anyCase: "Event"]?.string, !event.isEmpty,
            event.utf8.count <= 128
        else {
            return nil
        }
        let external = value[anyCase: "ExternalOrderId"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let reference = external.flatMap { RecoveryReference($0) }
        let data = value[anyCase: "EventData"]
        let amount = Self.amount(in: data)
        let stamp = value[anyCase: "TimeStamp"]?.string
        let isResent = value[anyCase: "IsResent"]?.flag ?? false
        let kind = Event(word: event)
        // A time of its own is older than the delivery that repeats it; one of the sending may be written a moment before that.
        let isStampOfSending =
            stamp.flatMap { Moment(rfc3339: $0) }.flatMap { stamp in sentAt.map { stamp >= $0 + .seconds(-1) } } ?? false
        let isRestamped = isResent && isStampOfSending && (kind == .refunded || kind == .chargeback) && Self.ownIDs(in: data).isEmpty
        self.init(
            merchantID: merchantID, gatewayID: gatewayID, event: kind, reference: reference,
            isForeign: external != nil && reference == nil,
            orderID: value[anyCase: "OrderId"]?.string.flatMap(FlexFactorOrderID.init(naming:)),
            isTestMode: value[anyCase: "IsTestMode"]?.flag ?? false,
            isResent: isResent, isRestamped: isRestamped, minorUnits: amount?.units, currency: Self.currency(in: data),
            isBare: amount?.isBare ?? false, distinction: Self.distinction(kind, data, at: stamp), receivedAt: receivedAt)
    }

    /// How long a webhook may be. What is kept of it has some hundred bytes.
    package static let mostBytes = 256 << 10

    private static let limits = JSONLimits(bytes: mostBytes, depth: 512, isTolerant: true)

    /// What a refund or a chargeback may be called that takes so much back. The last may be the order's own beside one of the others.
    private static let amounts = ["RefundAmount", "RefundedAmount", "AmountRefunded", "ChargebackAmount", "Amount"]

    /// The names that are read here, in lower case.
    private static let names = Set(
        ["event", "externalorderid", "orderid", "eventdata", "timestamp", "istestmode", "isresent", "currency", "currencycode"]
            + amounts.map { $0.lowercased() })

    private static func currency(in data: JSONValue?) -> Currency? {
        (data?[anyCase: "Currency"] ?? data?[anyCase: "CurrencyCode"])?.string.flatMap { Currency($0.uppercased()) }
    }

    /// What is taken back. The payload is not public: a whole number counts as minor units, as in FlexFactor's own requests; a number with a
    /// fraction as the currency's units, or as hundreds where no currency is named. FlexFactor's refund takes the currency's units, so a whole
    /// number may be of those as well (`isBare`): the sale, or what was asked for, tells which.
    private static func amount(in data: JSONValue?) -> (units: Int64, isBare: Bool)? {
        amount(in: data, amounts, currency(in: data)?.fractionDigits ?? 2)
    }

    private static func amount(in data: JSONValue?, _ names: [String], _ digits: Int) -> (units: Int64, isBare: Bool)? {
        for name in names {
            let units: Int64?
            var isBare = true
            switch data?[anyCase: name] {
            case .integer(let number): units = number
            case .number(let text), .string(let text):
                units = minorUnits(text, digits)
                isBare = !text.utf8.contains(UInt8(ascii: "."))
            default: units = nil
            }
            if let units, units > 0, Money.plausible.contains(units) { return (units, isBare) }
        }
        return nil
    }

    /// With two digits `12.5` as 1,250; a whole number as it is. Exact, and `nil` for what has a part of a minor unit.
    private static func minorUnits(_ text: String, _ digits: Int) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return Int64(text) }
        let fraction = parts[1].prefix(digits)
        guard let whole = Int64(parts[0]), whole >= 0, whole < 1_000_000_000_000, !parts[1].isEmpty,
            parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            parts[1].dropFirst(digits).allSatisfy({ $0 == "0" })
        else { return nil }
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return Int64("\(whole)\(fraction)\(zeros)")
    }

    /// An id drawn from what tells one refund or chargeback from another: FlexFactor's id of it, else all ids, the time stamp, and the amount.
    private static func distinction(_ event: Event, _ data: JSONValue?, at stamp: String?) -> String? {
        guard event == .refunded || event == .chargeback else { return nil }
        let (ids, own) = (Self.ids(in: data), Self.ownIDs(in: data))
        var parts = (own.isEmpty ? ids : own).map { "\($0.name.lowercased())=\(String(decoding: $0.value.bytes, as: UTF8.self))" }.sorted()
        if own.isEmpty, let stamp { parts.append(stamp) }
        // As ids have always had it, in hundreds and the order's first: what is read otherwise would be told again.
        if let amount = amount(in: data, amounts.suffix(1) + amounts.dropLast(), 2) { parts.append(String(amount.units)) }
        if parts.isEmpty { return nil }
        return String(UUID5(namespace: distinctions, name: parts.joined(separator: "|")).description.prefix(13))
    }

    private static func ids(in data: JSONValue?) -> [JSONValue.Member] {
        (data?.object ?? []).filter { $0.name.lowercased().hasSuffix("id") && !$0.value.isNull }
    }

    /// Of the refund or the chargeback itself.
    private static func ownIDs(in data: JSONValue?) -> [JSONValue.Member] {
        ids(in: data).filter { id in ["refund", "chargeback", "dispute", "transaction"].contains { id.name.lowercased().contains($0) } }
    }

    /// Ours alone.
    private static let distinctions = UUID5(high: 0x51c3_9a07_be44_5d12, low: 0x8f60_27d1_c95e_a34b)

    /// The same news always have the same id.
    package var id: String {
        "\(reference?.text ?? orderID?.text ?? "unknown")/webhook/\(event.word)" + (distinction.map { "/" + $0 } ?? "")
    }

    /// The message for the outcome stage (schemas/webhook.v1.schema.json).
    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, subject: reference?.text) { data in
            data.member("merchantId", merchantID.text)
            data.member("gatewayId", gatewayID.text)
            // An older worker has no eyes for what is ours, and would tell it as news of the whole, or distrust it.
            data.member("event", word)
            data.optional("reference", reference?.text)
            if isForeign { data.member("isForeign", true) }
            data.optional("orderId", orderID?.text)
            if isTestMode { data.member("isTestMode", true) }
            data.member("isResent", isResent)
            if isRestamped { data.member("isRestamped", true) }
            data.optional("minorUnits", minorUnits)
            data.optional("currency", currency?.code)
            if isBare { data.member("isBare", true) }
            data.optional("distinction", distinction)
            data.member("receivedAt", receivedAt.milliseconds)
            data.member("hasWaited", hasWaited)
            if looks > 0 { data.member("looks", Int64(looks)) }
            if tellsTaken { data.member("tellsTaken", true) }
        }
    }

    /// What it is news of; with an ending where FlexFactor did not say it.
    package var word: String { isListed || isWatched ? event.word + (distinction.map { "." + $0 } ?? "") : event.word }

    private static let ownEndings = [listed, watched].map { "." + $0 }

    private static func plain(_ word: String) -> String {
        ownEndings.first { word.hasSuffix($0) }.map { String(word.dropLast($0.count)) } ?? word
    }

    /// - Returns: the news, or what is wrong with the message.
    package static func decode(_ bytes: [UInt8]) -> Result<WebhookNews, EnvelopeFault> {
        do throws(EnvelopeFault) {
            let reader = try CloudEvent.data(of: bytes, type: type)
            return .success(
                WebhookNews(
                    merchantID: MerchantID(try reader.text("merchantId")), gatewayID: GatewayID(try reader.text("gatewayId")),
                    event: Event(word: Self.plain(try reader.text("event"))),
                    reference: try reader.optionalText("reference").flatMap { RecoveryReference($0) },
                    isForeign: try reader.optionalFlag("isForeign") ?? false,
                    orderID: try reader.optionalText("orderId").map(FlexFactorOrderID.init(_:)),
                    isTestMode: try reader.optionalFlag("isTestMode") ?? false,
                    isResent: try reader.flag("isResent"), isRestamped: try reader.optionalFlag("isRestamped") ?? false,
                    minorUnits: try reader.optionalNumber("minorUnits"),
                    currency: try reader.optionalText("currency").flatMap { Currency($0) },
                    isBare: try reader.optionalFlag("isBare") ?? false,
                    distinction: try reader.optionalText("distinction"),
                    receivedAt: try reader.moment("receivedAt"), hasWaited: try reader.flag("hasWaited"),
                    looks: try reader.optionalCount("looks") ?? 0, tellsTaken: try reader.optionalFlag("tellsTaken") ?? false))
        } catch {
            return .failure(error)
        }
    }
}
