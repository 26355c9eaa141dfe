import JSON
import Synchronization

extension ResultEvent {
    /// The message body (schemas/result.v1.schema.json). It is written once: what is claimed is what is told.
    package func encoded() -> [UInt8] {
        text.withLock { text in
            if let written = text { return written }
            let written = CloudEvent.encode(id: id, type: kind.messageType, subject: orderID, time: occurredAt, reserving: 1_024) {
                self.writeData(to: &$0)
            }
            text = written
            return written
        }
    }

    private var orderID: String? {
        switch subject {
        case .recovery(_, let order): order.id
        case .event(_, let orderID, _): orderID
        case .command(_, let reference, let orderID, _): orderID ?? reference?.orderID
        }
    }

    private func writeData(to data: inout JSONObjectWriter) {
        data.optional("merchantId", merchantID?.text)
        switch subject {
        case .recovery(let reference, let order):
            data.member("recoveryReference", reference.text)
            data.object("order") { json in
                json.member("id", order.id)
                json.member("type", order.type.rawValue)
                json.optional("purchaseId", order.purchaseID)
                json.optional("billingCycle", order.billingCycle.map(Int64.init))
                json.optional("chargeId", order.chargeID)
            }
        case .event, .command:
            if case .command(_, let reference?, _, _) = subject { data.member("recoveryReference", reference.text) }
            if let orderID {
                data.object("order") { json in
                    json.member("id", orderID)
                    json.optional("type", orderType?.rawValue)
                }
            }
        }
        data.optional("eventId", origin.eventID)
        data.optional("trigger", trigger?.rawValue)
        data.optional("transactionId", origin.transactionID)
        data.member("final", isFinal)
        data.optional("corrects", correctedID)
        data.optional("otherRecovery", other?.text)
        data.optional("result", reason.kind.success.map { $0 ? "success" : "failure" })
        data.object("reason") { json in
            json.member("code", reason.code)
            json.member("message", reason.sentence)
        }
        if !faults.isEmpty { data.faults(faults) }
        data.object("action") { json in
            let action = action
            json.member("name", action.name.rawValue)
            json.member("orderStatus", action.orderStatus.rawValue)
            json.member("processFulfilments", action.processFulfilments)
            json.member("subscription", action.subscription.rawValue)
            if let next = action.nextBilling {
                json.object("nextBilling") { json in
                    json.member("gatewayId", next.gatewayID.text)
                    json.member("method", next.method.rawValue)
                }
            }
        }
        if let verdict {
            data.object("decline") { json in
                json.member("class", verdict.declineClass.rawValue)
                json.member("rule", verdict.rule)
            }
        }
        if gatewayID != nil || flexFactorOrderID != nil {
            data.object("flexFactor") { json in
                json.optional("gatewayId", gatewayID?.text)
                json.optional("orderId", flexFactorOrderID?.text)
                if flexFactorOrderID != nil { json.optional("status", reason.flexFactorStatus) }
            }
        }
        if let amount {
            data.object("amount") { json in
                json.member("minorUnits", amount.minorUnits)
                json.member("currency", amount.currency.code)
            }
        }
        data.member("attempts", Int64(attempts))
        data.member("occurredAt", occurredAt)
    }
}

extension JSONObjectWriter {
    /// Bounded here once more, for those that FlexFactor names.
    mutating func faults(_ faults: [FieldError]) {
        array("faults") { list in
            for fault in FieldError.told(faults) {
                list.object { json in
                    json.member("path", fault.path)
                    json.member("message", fault.message)
                }
            }
        }
    }
}
