import ArgumentParser

/// What is not documented of FlexFactor, or differs by account. As it stands here it is what the documents say, and no more; the rest is
/// switched on by whoever wants to see how a client takes it.
struct Habits: ParsableArguments, Sendable {
    @Flag(help: "The list of orders finds an order by its external id. Documented is a search for names.")
    var listFindsReferences = false
    @Flag(help: "Orders echo externalOrderId and correlationId. No field is documented to echo what evaluate sent.")
    var ordersEchoReferences = false
    @Option(help: "The most orders on a page of the list, whatever pageSize asks for.")
    var pageCap: Int?
    @Flag(help: "Send order.refunded for each partial refund too. Its payload is not public.")
    var partialRefundWebhooks = false
    @Flag(help: "Refuse a refund of less than what is left of the order.")
    var wholeRefundsOnly = false
    @Flag(help: "Refuse amounts of 10 cents and less, and of 20,000 and more, as an older sandbox did.")
    var refuseOddAmounts = false

    func validate() throws {
        if let pageCap, pageCap < 1 { throw ValidationError("--page-cap must be at least 1.") }
    }
}
