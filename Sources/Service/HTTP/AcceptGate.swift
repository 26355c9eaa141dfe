import NIOCore

/// Takes no new connections while the process has few descriptors left: they wait in the kernel's queue. Stands on a listening channel.
final class AcceptGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let descriptors: Descriptors
    private let reserve: Int
    private let onShut: @Sendable () -> Void
    private var isLookingAgain = false

    /// - Parameters:
    ///   - reserve: so many descriptors stay spare.
    ///   - onShut: told when a connection has to wait, at most every 100 ms.
    init(_ descriptors: Descriptors, reserve: Int, onShut: @escaping @Sendable () -> Void) {
        self.descriptors = descriptors
        self.reserve = reserve
        self.onShut = onShut
    }

    func read(context: ChannelHandlerContext) {
        if descriptors.spare() > reserve { return context.read() }
        if isLookingAgain { return }
        isLookingAgain = true
        onShut()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(100)) {
            let (gate, context) = bound.value
            gate.isLookingAgain = false
            if context.channel.isActive { gate.read(context: context) }
        }
    }
}
