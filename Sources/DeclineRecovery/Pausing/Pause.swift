/// An operator's order that a part of the fleet begins nothing new until a time: a record on the stream of pauses, which every pod follows.
///
/// The last record of a target counts. One that is over when it is made lifts the pause before it.
package struct Pause: Sendable, Equatable {
    /// No pause is longer: what is paused is paused by somebody who still knows of it, and the stream keeps its records for longer.
    package static let longest: Moment.Span = .days(7)

    package let target: Target
    package let since: Moment
    /// When it ends by itself.
    package let until: Moment
    /// Who ordered it, and why.
    package let by: String
    package let why: String

    package enum Target: Sendable, Hashable {
        /// Everything of a merchant's.
        case merchant(MerchantID)
        /// What goes through one FlexFactor gateway.
        case gateway(MerchantID, GatewayID)
        /// A stage takes nothing out of its queue.
        case stage(Stage)
        /// One worker takes nothing out of any queue, by its id.
        case worker(String)
    }

    /// Letters of a reason: it stands in every answer that shows the pause.
    package static let mostWords = 2_000

    /// - Parameters:
    ///   - until: no more than `longest` after `since`.
    ///   - why: cut after `mostWords`.
    package init(_ target: Target, since: Moment, until: Moment, by: String, why: String) {
        self.target = target
        self.since = since
        self.until = min(until, since + Self.longest)
        self.by = by
        self.why = why.cut(after: Self.mostWords)
    }

    /// What lifts a pause.
    package static func lifting(_ target: Target, at now: Moment, by: String, why: String) -> Pause {
        Pause(target, since: now, until: now, by: by, why: why)
    }

    package var isLifting: Bool { until <= since }

    package func isInForce(at now: Moment) -> Bool { now < until && !isLifting }
}

extension String {
    /// Its beginning, so many code points of it: a letter may have any number of them.
    func cut(after count: Int) -> String { String(String.UnicodeScalarView(unicodeScalars.prefix(count))) }
}

extension Pause.Target: CustomStringConvertible {
    /// What kind of thing it is, in a word.
    package var kind: String {
        switch self {
        case .merchant: "merchant"
        case .gateway: "gateway"
        case .stage: "stage"
        case .worker: "worker"
        }
    }

    package var description: String {
        switch self {
        case .merchant(let merchant): "merchant \(merchant)"
        case .gateway(let merchant, let gateway): "gateway \(gateway) of merchant \(merchant)"
        case .stage(let stage): "stage \(stage.rawValue)"
        case .worker(let id): "worker \(id)"
        }
    }
}
