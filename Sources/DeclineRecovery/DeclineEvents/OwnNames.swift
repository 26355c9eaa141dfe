import JSON

/// The names of our own messages' members, which come by all the time: none of them names a secret, or holds one.
enum OwnNames {
    static func contains(_ name: String) -> Bool {
        var place = place(of: name)
        while !table[place].isEmpty {
            if table[place].hasSameCodePoints(as: name) { return true }
            place = (place + 1) & (table.count - 1)
        }
        return false
    }

    private static func place(of name: String) -> Int {
        let bytes = name.utf8
        guard let first = bytes.first, let last = bytes.last else { return 0 }
        return (bytes.count &* 37 &+ Int(first) &* 5 &+ Int(last)) & 255
    }

    /// By length and ends, the next free place where one is taken; a quarter of the places is.
    private static let table: [String] = {
        var table = [String](repeating: "", count: 256)
        for name in names {
            var place = place(of: name)
            while !table[place].isEmpty { place = (place + 1) & 255 }
            table[place] = name
        }
        return table
    }()

    static let names = [
        "specversion", "id", "source", "type", "time", "subject", "data", "datacontenttype", "merchantId", "trigger", "order", "decline",
        "recovery", "amount", "payer", "billing", "shipping", "paymentMethod", "trialCompletion", "hasRecurringProducts", "campaignId",
        "purchaseId", "billingCycle", "rerunNumber", "ipAddress", "items", "sku", "name", "quantity", "gatewayId", "gatewayProfileId",
        "responseCodeSource", "responseCode", "responseText", "merchantAdviceCode", "avsResultCode", "cvvResultCode", "cavvResultCode",
        "networkCode", "network", "transactionId", "responseType", "minorUnits", "currency", "email", "phone", "birthdate", "firstName",
        "lastName", "countryCode", "country", "addressLine1", "addressLine2", "state", "city", "zipCode", "encryptedCard", "holderName",
        "expirationMonth", "expirationYear", "bin", "last4", "brand", "reattempt", "chargeId",
    ]
}
