package import JSON

/// What the CRM sends, decoded: a usable message, one with its faults, or something that cannot be read at all.
package enum CRMMessage: Sendable, Equatable {
    case decline(DeclineEvent)
    case cancel(CancelCommand)
    case refund(RefundCommand)
    case rejected(RejectedEvent)
    case unreadable(JSONError)

    /// - Parameter limits: a message beyond them is unreadable; nobody means a decline of that size.
    package static func decode(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> CRMMessage {
        do throws(JSONError) {
            return read(try JSONDocument(bytes, limits: limits), FaultList())
        } catch {
            // Good JSON in another encoding is named, and answered like any event with a fault.
            if bytes.count <= limits.bytes, let (encoding, text) = TextEncoding.undone(bytes),
                let document = try? JSONDocument(text, limits: limits)
            {
                let faults = FaultList()
                faults.add("$", "the body is \(encoding.rawValue); expected UTF-8 without a byte order mark")
                return read(document, faults)
            }
            // So is what breaks a rule of ours or has half a character, where it names its order all the same.
            switch error.fault {
            case .loneSurrogate, .duplicateName, .tooDeep:
                let tolerant = JSONLimits(bytes: limits.bytes, depth: 512, isTolerant: true)
                guard let document = try? JSONDocument(bytes, limits: tolerant) else { break }
                let faults = FaultList()
                faults.add("$", error.description)
                if case .rejected(let event) = read(document, faults), event.orderID != nil { return .rejected(event) }
            case .empty, .tooLarge, .unexpectedByte, .unexpectedEnd, .trailingBytes, .byteOrderMark, .notUTF8, .badEscape, .badNumber,
                .controlCharacter:
                break
            }
            return .unreadable(error)
        }
    }

    private static func read(_ document: JSONDocument, _ faults: FaultList) -> CRMMessage {
        let message = document.root
        // Nearly every message gives no reason to be searched.
        let cardData = CardDataGlance.seesReason(in: document) ? FaultList() : nil
        if let cardData { CardDataSearch.search(message.value, cardData) }
        let envelope = EventReader(message, faults)
        func rejected() -> CRMMessage { .rejected(RejectedEvent(faults, cardData ?? FaultList(), message.value)) }
        guard message.isObject else {
            faults.add("$", "expected an object: a CloudEvents 1.0 event in structured mode")
            return rejected()
        }
        if let version = envelope.text("specversion"), version != "1.0" { faults.add("$.specversion", "expected \"1.0\"") }
        let json = "application/json"
        if !envelope.says("datacontenttype", json),
            let type = envelope.cutText("datacontenttype", 0...256, isRequired: false), type != json, !type.lowercased().hasPrefix(json)
        {
            faults.add("$.datacontenttype", "expected application/json")
        }
        var decoded: CRMMessage?
        let type = envelope.says("type", DeclineEvent.type) ? DeclineEvent.type : envelope.text("type")
        switch type {
        case DeclineEvent.type: decoded = DeclineEvent(reading: envelope, faults).map(CRMMessage.decline)
        case CancelCommand.type: decoded = CancelCommand(reading: envelope, faults).map(CRMMessage.cancel)
        case RefundCommand.type: decoded = RefundCommand(reading: envelope, faults).map(CRMMessage.refund)
        default:
            if type != nil {
                faults.add(
                    "$.type",
                    "expected \(DeclineEvent.type), \(CancelCommand.type) or \(RefundCommand.type); other types and versions are not taken here"
                )
            }
            // Where it is a decline but for its type, its other faults are told with this one. Another version has other rules.
            let isOtherVersion = type?.hasPrefix("com.salvage.") == true && type?.split(separator: ".").last?.first == "v"
            let data = message["data"]
            if !isOtherVersion, data?["trigger"] != nil || data?["order"] != nil || data?["decline"] != nil {
                _ = DeclineEvent(reading: envelope, faults)
            }
        }
        guard let decoded, faults.isEmpty, cardData?.isEmpty ?? true else { return rejected() }
        return decoded
    }
}

/// An event that cannot be worked on: every fault, and what could be read for an answer.
package struct RejectedEvent: Sendable, Equatable {
    package let faults: [FieldError]
    package let eventID: String?
    package let merchantID: MerchantID?
    package let orderID: String?
    /// Whose results the CRM's people look at: the routing key of the answer.
    package let orderType: OrderType?
    package let origin: DeclineOrigin
    /// It was meant as a command, such as a cancel, and not as a decline.
    package let isCommand: Bool
    package let hasCardData: Bool

    init(_ faults: FaultList, _ cardData: FaultList, _ value: JSONValue) {
        // Card data first: it must not be what is cut off.
        self.faults = cardData.all(before: faults)
        hasCardData = !cardData.isEmpty
        let places = IDPlaces(value)
        // What is told back must itself be clean, and of a size that fits an id.
        func safe(_ value: JSONValue?, member: String = "", of parent: String? = nil) -> String? {
            guard let text = value?.string, !text.isEmpty, text.utf8.count <= 128 else { return nil }
            return CardDataGuard.finding(in: text) == nil || places.isID(.string(text), member: member, of: parent) ? text : nil
        }
        eventID = safe(value["id"])
        let data = value["data"]
        merchantID = safe(data?["merchantId"]).map(MerchantID.init(_:))
        let trigger = data?["trigger"]?.string.flatMap(TriggerWord.init(rawValue:))
        let isCommand = [CancelCommand.type, RefundCommand.type].contains(value["type"]?.string)
        self.isCommand = isCommand
        // A reference says whose order it is of, and a command that has one goes by it.
        let named = isCommand ? data?["recoveryReference"]?.string.flatMap { RecoveryReference($0) } : nil
        orderID =
            safe(named.map { JSONValue.string($0.orderID) }, member: "orderId", of: "data")
            ?? safe(data?["order"]?["id"], member: "id", of: "order") ?? safe(data?["orderId"], member: "orderId", of: "data")
            ?? safe(value["subject"], member: "subject")
        // A command that names an order names one of its rebills, and only a rebill is recycled.
        orderType =
            isCommand
            ? named?.kind.orderType ?? safe(data?["orderId"]).map { _ in OrderType.recurring }
            : data?["order"]?["type"]?.string.flatMap(OrderType.init(rawValue:)) ?? (trigger == .recycle ? .recurring : nil)
        origin = DeclineOrigin(
            eventID: eventID, trigger: trigger,
            transactionID: safe(data?["decline"]?["transactionId"], member: "transactionId", of: "decline"))
    }
}
