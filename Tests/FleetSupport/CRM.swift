package import Broker
import DeclineRecovery
package import Foundation
import Synchronization

/// The CRM's side of a test: publishes declines, receives results.
package final class CRM: Sendable {
    private let link: BrokerLink
    private let received = Mutex<[Result]>([])

    /// A result event as it came.
    package struct Result: Sendable {
        package let id: String
        package let kind: String
        package let reference: String
        package let reason: String
        package let orderID: String
        package let correlationID: String?
        package let body: [UInt8]

        package var isFinal: Bool {
            !["submitted", "refunded", "refund_failed", "chargeback", "nothing_to_cancel", "correction", "unresolved"].contains(kind)
        }

        init?(_ delivery: Delivery) {
            guard let event = try? JSONSerialization.jsonObject(with: Data(delivery.body)) as? [String: Any],
                let id = event["id"] as? String,
                let type = event["type"] as? String, let data = event["data"] as? [String: Any]
            else { return nil }
            self.id = id
            kind = String(type.split(separator: ".").dropLast().last ?? "")
            reference = data["recoveryReference"] as? String ?? ""
            reason = (data["reason"] as? [String: Any])?["code"] as? String ?? ""
            orderID = (data["order"] as? [String: Any])?["id"] as? String ?? ""
            correlationID = delivery.properties.correlationID
            body = delivery.body
        }
    }

    /// Begins to take results from the CRM's inbox.
    package init(_ link: BrokerLink, inbox: String = "crm.results") async throws {
        self.link = link
        _ = try await link.consume(inbox, prefetch: 1_000) { [self] batch in
            for delivery in batch {
                if let result = Result(delivery) { received.withLock { $0.append(result) } }
                Task { try? await delivery.finish(publishing: []) }
            }
        }
    }

    package var results: [Result] { received.withLock { $0 } }
    package var count: Int { received.withLock { $0.count } }

    package func result(of order: String) -> Result? { results.first { $0.orderID == order } }

    /// The distinct final event ids of each recovery.
    package var finals: [String: Set<String>] {
        var finals: [String: Set<String>] = [:]
        for result in results where result.isFinal { finals[result.reference, default: []].insert(result.id) }
        return finals
    }

    /// How often each reason was told.
    package var reasons: [String: Int] { Dictionary(grouping: results, by: \.reason).mapValues(\.count) }

    package func publish(_ bodies: [[UInt8]], key: String = "decline.initial", replyTo: String? = nil, correlationID: String? = nil)
        async throws
    {
        for start in stride(from: 0, to: bodies.count, by: 1_000) {
            try await link.publish(
                bodies[start..<min(start + 1_000, bodies.count)].map { body in
                    OutgoingMessage(
                        exchange: "declines", routingKey: key,
                        properties: MessageProperties(
                            contentType: "application/cloudevents+json", correlationID: correlationID, replyTo: replyTo), body: body)
                })
        }
    }

    /// The reference of a decline of ours, from what of it can be read.
    ///
    /// - Parameter family: the reference without merchant and tag, such as `A1-R7-88-7`.
    package static func reference(_ family: String, merchant: String = "acme") -> String {
        guard let family = RecoveryReference(family) else { return "\(family) is no reference" }
        let identity = DeclineIdentity(
            merchantID: MerchantID(merchant), source: "https://crm.example.test", id: "decline-\(family.orderID)")
        return RecoveryReference(
            identity, orderID: family.orderID, kind: family.kind, sequence: family.sequence, subscription: family.subscription
        ).text
    }

    /// A rebill whose fourth re-attempt is due; its reference is that of the family `<order>-R7-88-7`.
    package static func recycle(
        _ order: String, token: String = "tok_managed_approve", merchant: String = "acme", advice: String? = nil
    ) -> [UInt8] {
        let text = String(decoding: decline(order, token: token, merchant: merchant), as: UTF8.self)
            .replacing("\"trigger\":\"initial\"", with: "\"trigger\":\"recycle\",\"recovery\":{\"reattempt\":4}")
            .replacing("\"type\":\"new_sale\"", with: "\"type\":\"recurring\",\"purchaseId\":\"88\",\"billingCycle\":7")
            .replacing(
                "\"cvvResultCode\":\"M\"", with: "\"cvvResultCode\":\"M\"" + (advice.map { ",\"merchantAdviceCode\":\"\($0)\"" } ?? "")
            )
            // Only one network has such codes.
            .replacing("\"brand\":\"visa\"", with: advice == nil ? "\"brand\":\"visa\"" : "\"brand\":\"mastercard\"")
        return Array(text.utf8)
    }

    package static func cancel(_ order: String) -> [UInt8] {
        Array(
            """
            {"specversion":"1.0","id":"cancel-\(order)","source":"https://crm.example.test","type":"com.salvage.cancel.v1",\
            "data":{"merchantId":"acme","orderId":"\(order)","purchaseId":"88","billingCycle":7,"reason":"the subscription was cancelled"}}
            """.utf8)
    }

    /// An initial decline of merchant `acme`, a minute's worth of fields.
    package static func decline(
        _ order: String, token: String = "tok_approve", at time: Date = Date(), merchant: String = "acme", code: String = "201"
    ) -> [UInt8] {
        Array(
            """
            {"specversion":"1.0","id":"decline-\(order)","source":"https://crm.example.test","type":"com.salvage.decline.v1",\
            "time":"\(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))","subject":"\(order)","data":{"merchantId":"\(merchant)","trigger":"initial",\
            "order":{"id":"\(order)","type":"new_sale","ipAddress":"203.0.113.7","items":[{"sku":"CREAM-50","name":"Cream","amount":4999,"quantity":1}]},\
            "decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"\(code)","responseText":"Do not honor","avsResultCode":"Y",\
            "cvvResultCode":"M","transactionId":"T-\(order)"},"amount":{"minorUnits":4999,"currency":"USD"},\
            "payer":{"email":"ada@example.test","phone":"+15550100"},"billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US",\
            "addressLine1":"1 Main Street","city":"Troy","state":"NY","zipCode":"12180"},\
            "paymentMethod":{"token":"\(token).\(order)","holderName":"Ada Byron","expirationMonth":12,"expirationYear":2029,"brand":"visa"}}}
            """.utf8)
    }
}
