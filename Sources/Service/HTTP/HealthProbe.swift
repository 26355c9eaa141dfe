package import FlexFactor
import NIOCore
import NIOPosix

/// Asks a process for its health page, as a container's runtime would that has no other client.
package enum HealthProbe {
    /// - Returns: whether it answers that it is well, and its words.
    package static func look(at page: Origin) async -> (isWell: Bool, text: String) {
        let lane = HTTPLane(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let (status, text) = await lane.page(page, within: .seconds(5))
        let words = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        return (status == 200, status.map { "\($0) \(words)" } ?? words)
    }
}
