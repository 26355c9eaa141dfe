package import DeclineRecovery

/// A run of replays, as the records tell it.
package struct ReplayRun: Sendable, Equatable {
    package let id: UUID5
    package let by: LetterRecord.Operator
    package let note: String?
    package let startedAt: Moment
    package let plan: ReplayPlan
    package internal(set) var letters: [UUID5] = []
    package internal(set) var replayed: Set<UUID5> = []
    package internal(set) var failed: Set<UUID5> = []
    package internal(set) var processed: Set<UUID5> = []
    package internal(set) var end: End?

    package struct End: Sendable, Equatable {
        package let how: LetterRecord.RunEnd
        package let why: String
        package let at: Moment
    }
}
