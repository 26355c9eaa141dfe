import TestSupport

@testable import DeclineRecovery

/// How a FlexFactor can be asked about its orders. Little of it is documented, so worlds have each.
struct AskingModes {
    enum List: CaseIterable {
        /// Shows whatever there is.
        case exact
        /// Shows an order at times: it searches for other things, or pages end too early.
        case loose
        /// Searches for names only, and shows nothing of ours.
        case silent
        /// An array under a name that nobody expects.
        case oddlyNamed
        case forbidden
    }

    let list: List
    /// Whether a cancel by our reference is answered by FlexFactor, and not by an edge that knows no such page.
    let cancelAnswers: Bool
    private var random: SeededRandom

    /// Shows everything, and answers everything.
    static let exact = AskingModes(list: .exact, cancelAnswers: true)

    private init(list: List, cancelAnswers: Bool) {
        self.list = list
        self.cancelAnswers = cancelAnswers
        random = SeededRandom(seed: 0)
    }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed ^ 0xA5C)
        list = List.allCases.randomElement(using: &random)!
        cancelAnswers = Int.random(in: 0..<4, using: &random) > 0
    }

    /// What the list says where the whole truth would be `answer`.
    mutating func shown(_ answer: FlexFactorAnswer) -> FlexFactorAnswer {
        let all: FlexFactorAnswer = if case .found = answer { answer } else { .notListed }
        return switch list {
        case .exact: all
        case .loose: Bool.random(using: &random) ? all : .notListed
        case .silent: .notListed
        case .oddlyNamed: .failed(.unknown(.unreadable("no orders member")))
        case .forbidden: .failed(.unknown(.barred(status: 403)))
        }
    }
}
