/// Why a job did not do what it was asked.
package enum LetterJobError: Error, Sendable, Equatable, CustomStringConvertible {
    case noteMissing
    case somebodyElse
    case noSuchRun
    case oneLetterOnly
    case noConfiguration
    /// The lock went with its connection: somebody else may act now.
    case lockLost
    case broker(BrokerFailure)

    package var advice: String {
        switch self {
        case .noteMissing: "Say why in a sentence; whoever looks at the letter later will read it."
        case .somebodyElse: "Wait until they are done; `salvage dead follow` shows what they do."
        case .noSuchRun: "`salvage dead runs` shows the runs that can be resumed."
        case .oneLetterOnly: "Correct the letters one by one, or replay them as they are."
        case .noConfiguration: "Give --config: FlexFactor is asked with the gateway's keys."
        case .lockLost: "Nothing is lost. Finish it with `salvage dead replay --resume`, or do the rest again."
        case .broker(let error): error.advice
        }
    }

    package var description: String {
        let what =
            switch self {
            case .noteMissing: "a note is required"
            case .somebodyElse: "somebody else acts on dead letters at the moment"
            case .noSuchRun: "there is no such run, or it has ended"
            case .oneLetterOnly: "a correction is for one letter only"
            case .noConfiguration: "without the configuration nobody can be asked"
            case .lockLost: "the connection to the broker was lost in the middle, and the right to act with it"
            case .broker(let error): error.description
            }
        return "\(what). \(advice)"
    }
}
