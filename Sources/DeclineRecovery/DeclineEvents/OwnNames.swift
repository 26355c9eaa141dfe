import JSON

/// The names of our own messages' members, which come by all the time: none of them names a secret, or holds one.
enum OwnNames {
    static func contains(_ name: String) -> Bool {
        name.utf8.withContiguousStorageIfAvailable { contains($0) } ?? Array(name.utf8).withUnsafeBufferPointer { contains($0) }
    }

    static func contains(_ name: UnsafeBufferPointer<UInt8>) -> Bool { find(name) != nil }

    enum Mark {
        case plain
        /// The value of what another member names may stand there (``NamedPair``).
        case value
    }

    /// `nil` for a name that is none of ours.
    static func find(_ name: UnsafeBufferPointer<UInt8>) -> Mark? {
        var place = place(of: name)
        while !table[place].name.isEmpty {
            if isSame(table[place].name, name) { return table[place].isValue ? .value : .plain }
            place = (place + 1) & 255
        }
        return nil
    }

    private static func isSame(_ own: [UInt8], _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        guard own.count == name.count else { return false }
        for index in own.indices where own[index] != name[index] { return false }
        return true
    }

    private static func place(of bytes: some BidirectionalCollection<UInt8>) -> Int {
        guard let first = bytes.first, let last = bytes.last else { return 0 }
        return (bytes.count &* 37 &+ Int(first) &* 5 &+ Int(last)) & 255
    }

    /// By length and ends, the next free place where one is taken; a quarter of the places is.
    private static let table: [(name: [UInt8], isValue: Bool)] = {
        var table = [(name: [UInt8], isValue: Bool)](repeating: ([], false), count: 256)
        for name in names {
            var place = place(of: name.utf8)
            while !table[place].name.isEmpty { place = (place + 1) & 255 }
            let bytes = Array(name.utf8)
            table[place] = (bytes, bytes.withUnsafeBufferPointer { NamedPair.isValue($0) })
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
