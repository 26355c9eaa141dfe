import DeclineRecovery

/// What a log line may say: the last look at every text before it leaves, whoever made it.
enum LogText {
    /// A reference is made of ids that were judged where they stood (``IDPlaces``); it must be found again as it is.
    static func told(_ text: String, under key: String = "") -> String {
        key == LogKey.reference ? text : CardDataGuard.redacted(text)
    }
}
