package import DeclineRecovery
import FlexFactor
import NIOCore
import NIOPosix
package import Operations

/// The operator's own address, to which notices go, each signed as Standard Webhooks has it.
package struct NoticeReceiver: Sendable {
    private let settings: NoticeSettings
    private let fleet: String
    private let lane: HTTPLane
    private let clock = SystemClock()

    /// The longest that one try may take.
    private static let patience = TimeAmount.seconds(10)

    package init(_ settings: NoticeSettings, fleet: String) {
        self.settings = settings
        self.fleet = fleet
        lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next(), limits: HTTPLane.Limits(connections: 2))
    }

    /// What became of a try.
    package enum Outcome: Sendable, Equatable {
        case delivered(status: Int)
        /// - Parameter wish: after which the receiver wants to be asked again.
        case failed(String, advice: String, wish: Moment.Span?)
    }

    package func send(_ notice: Notice) async -> Outcome {
        let body = notice.body(of: fleet, console: settings.console)
        let id = notice.id.description
        let seconds = clock.now().milliseconds / 1_000
        let signatures = settings.secretsNow.map { $0.signature(of: body, id: id, timestamp: seconds) }
        let headers = [
            ("content-type", "application/json"), ("user-agent", "salvage/\(SalvageVersion.current)"), ("webhook-id", id),
            ("webhook-timestamp", "\(seconds)"), ("webhook-signature", signatures.joined(separator: " ")),
        ]
        switch await lane.post(body, headers: headers, to: settings.address, authorities: settings.authoritiesNow, within: Self.patience) {
        case .answered(let status, _) where (200..<300).contains(status): return .delivered(status: status)
        case .answered(let status, let wish): return Self.failed(status, wish.flatMap { Moment.Span(retryAfter: $0, now: clock.now()) })
        case .failed(let why):
            return .failed(why, advice: "Look whether the receiver runs and can be reached from here.", wish: nil)
        }
    }

    private static func failed(_ status: Int, _ wish: Moment.Span?) -> Outcome {
        switch status {
        case 300..<400:
            .failed(
                "the receiver answered \(status)", advice: "Give the address to which it leads: redirects are not followed.", wish: wish)
        case 401, 403:
            .failed(
                "the receiver answered \(status)", advice: "Compare its secret with SALVAGE_NOTICE_SECRET, and the clocks.", wish: wish)
        case 404, 405, 410: .failed("the receiver answered \(status)", advice: "Compare SALVAGE_NOTICE_URL with its address.", wish: wish)
        default: .failed("the receiver answered \(status)", advice: "Look at the receiver's log.", wish: wish)
        }
    }
}
