package import FlexFactor
import NIOCore
import NIOPosix

/// Asks a process for its health page, as a container's runtime would that has no other client.
package enum HealthProbe {
    /// - Returns: whether it answers that it is well, whether it answers at all, and its words, or why there are none.
    package static func look(at page: Origin) async -> (isWell: Bool, isAnswered: Bool, text: String) {
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let (status, text) = await lane.page(page, within: .seconds(5))
        let words = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        return (status == 200, status != nil, status.map { "\($0) \(words)" } ?? words)
    }
}
