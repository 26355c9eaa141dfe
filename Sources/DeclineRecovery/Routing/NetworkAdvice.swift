/// What the card networks say about trying again (facts/crm-and-declines.md §§8, 10; figures of 2025).
public enum NetworkAdvice {
    /// How long Mastercard's merchant advice code asks to wait before the next attempt: 24 to 30, sent with "insufficient funds".
    public static func wait(after decline: Decline) -> Moment.Span? {
        waits[decline.merchantAdviceCode ?? ""]
    }

    /// Reruns of one declined sale that Visa takes within thirty days; each later one is billed.
    public static let mostReruns = 15

    private static let waits: [String: Moment.Span] = [
        "24": .minutes(60), "25": .days(1), "26": .days(2), "27": .days(4), "28": .days(6), "29": .days(8), "30": .days(10),
    ]
}
