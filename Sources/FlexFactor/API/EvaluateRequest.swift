import DeclineRecovery
import JSON

/// The body of `evaluate` (facts/flexfactor-api.md §5). Without clock or chance: one charge and key always give the same bytes, so that a
/// repeat is a repeat to FlexFactor.
enum EvaluateRequest {
    static func body(_ charge: Charge, idempotencyKey: UUID5, credentials: GatewayCredentials) -> [UInt8] {
        JSONWriter.bytes(reserving: 2_048) { root in
            root.member("isDeclined", true)
            root.member("isMIT", charge.isMerchantInitiated)
            root.member("isRecurring", charge.isRecurring)
            root.member("mid", credentials.mid)
            root.optional("siteId", charge.siteID(configured: credentials.siteID))
            root.optional("siteUrl", charge.details.siteURL)
            root.optional("senseKey", charge.details.senseKey)
            root.member("orderId", charge.reference.text)
            root.member("correlationId", charge.reference.text)
            root.member("idempotencyKey", atMost: UUID5.length) { idempotencyKey.write(to: $0) }
            root.member("transactionType", "Purchase")
            root.optional("customerIp", charge.customerIP)
            root.optional("expiryDateUtc", charge.expiry)
            root.member("Source", "Salvage")
            root.object("transaction") { write(charge, to: &$0) }
            root.object("payer") { payer in
                payer.optional("id", charge.payer.id)
                payer.member("email", charge.payer.email.flatMap { $0.isEmpty ? nil : $0 } ?? "NA")
                payer.optional("phone", charge.payer.phone)
                payer.optional("birthdate", charge.payer.birthdate)
            }
            root.object("billingInformation") { write(charge.billing, to: &$0) }
            if let shipping = charge.shipping { root.object("shippingInformation") { write(shipping, to: &$0) } }
            root.object("paymentMethod") { write(charge.paymentMethod, to: &$0) }
            write(charge.details, of: charge, to: &root)
            if !charge.items.isEmpty {
                root.array("orderItems") { items in
                    for item in charge.items {
                        items.object { object in
                            object.optional("sku", item.sku)
                            object.optional("name", item.name)
                            object.optional("amount", item.amount)
                            object.optional("quantity", item.quantity.map(Int64.init))
                        }
                    }
                }
            }
        }
    }

    private static func write(_ charge: Charge, to transaction: inout JSONObjectWriter) {
        let decline = charge.decline
        transaction.member("id", decline.transactionID)
        transaction.member("amount", charge.amount.minorUnits)
        transaction.member("currency", charge.amount.currency.code)
        transaction.member("timestampUtc", charge.declinedAt)
        // FlexFactor takes an empty code for a missing one.
        transaction.member("responseCode", decline.responseCode.isEmpty ? decline.networkCode ?? "unknown" : decline.responseCode)
        transaction.member("responseCodeSource", decline.responseCodeSource)
        transaction.optional("responseDescription", decline.responseText)
        transaction.member("responseStatus", "DECLINED")
        // The network's advice: when, if at all, it may be tried again.
        transaction.optional("responseSubStatus", decline.merchantAdviceCode)
        transaction.optional("dynamicDescriptor", charge.details.descriptor)
        transaction.member("avsResultCode", given(decline.avsResultCode))
        transaction.member("cvvResultCode", given(decline.cvvResultCode))
        transaction.member("cavvResultCode", given(decline.cavvResultCode))
        transaction.member("cardNotPresent", true)
    }

    private static func write(_ details: ChargeDetails, of charge: Charge, to root: inout JSONObjectWriter) {
        if let secure = details.threeDSecure {
            root.object("threeDSecure") { object in
                // FlexFactor spells this one with a capital.
                for field in secure.fields {
                    object.member(named: field.name == "ecommerceIndicator" ? "EcommerceIndicator" : field.name, field.value)
                }
            }
        }
        if let subscription = details.subscription {
            root.object("subscription") { object in
                object.member("subscriptionId", subscription.id)
                object.optional("interval", subscription.interval)
                object.member("price", subscription.price ?? charge.amount.minorUnits)
                object.member("currency", charge.amount.currency.code)
                object.optional("paymentNumber", subscription.paymentNumber.map(Int64.init))
                object.optional("totalPayments", subscription.totalPayments.map(Int64.init))
            }
        }
        if let advice = charge.decline.merchantAdviceCode {
            root.array("additionalFields") { fields in
                fields.object { field in
                    field.member("key", "merchantAdviceCode")
                    field.member("value", advice)
                }
            }
        }
    }

    /// An empty field counts as missing at FlexFactor; `NA` says that there is no result.
    private static func given(_ code: String?) -> String {
        code.flatMap { $0.isEmpty ? nil : $0 } ?? "NA"
    }

    private static func write(_ address: Address, to json: inout JSONObjectWriter) {
        json.member("firstName", address.firstName)
        json.member("lastName", address.lastName)
        json.optional("phone", address.phone)
        json.optional("country", address.country ?? address.countryCode)
        json.member("countryCode", address.countryCode)
        json.member("addressLine1", address.addressLine1)
        json.optional("addressLine2", address.addressLine2)
        json.optional("state", address.state)
        json.member("city", address.city)
        json.member("zipCode", address.zipCode)
    }

    private static func write(_ method: PaymentMethod, to json: inout JSONObjectWriter) {
        json.optional("holderName", method.holderName)
        json.optional("cardBrand", method.brand)
        json.optional("expirationMonth", method.expirationMonth.map(Int64.init))
        json.optional("expirationYear", method.expirationYear.map(Int64.init))
        json.optional("cardBinNumber", method.bin.map { String($0.prefix(6)) })
        json.optional("cardLast4Digits", method.last4)
        if case .token(let token) = method.card { json.member("cardNumber", token.exposed) }
        json.member("token", true)
    }
}
