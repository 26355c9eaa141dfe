import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where a port of ours listens, and which setting says so.
struct ListenAddress: Sendable, Equatable {
    let host: String
    let port: Int
    /// The variable.
    let setting: String

    init(_ address: (host: String, port: Int), setting: String) {
        host = address.host
        port = address.port
        self.setting = setting
    }

    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether all can be listened on. Asked before anything else begins: a process that finds its port taken after it has connected to the
    /// broker has worked on declines meanwhile.
    ///
    /// All are held until the last was tried, so that two settings that name one port are found as well.
    static func check(_ addresses: [ListenAddress]) async throws(CannotListen) {
        var held: [any Channel] = []
        var failure: CannotListen?
        for address in addresses {
            do {
                held.append(try await address.hold())
            } catch {
                failure = CannotListen(
                    address, error, others: addresses.filter { $0 != address && $0.port == address.port && $0.port != 0 })
                break
            }
        }
        for channel in held { try? await channel.close().get() }
        if let failure { throw failure }
    }

    /// Listens there, and takes nobody in: who connects meanwhile is turned away when the channel closes. Taken in, it would wait for an
    /// answer for ever, for nobody closes what nobody serves.
    func hold() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: host, port: port).get()
    }
}

/// Why a process does not begin: where it is to listen it cannot. Names the setting.
package struct CannotListen: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ address: ListenAddress, _ error: any Error, others: [ListenAddress] = []) {
        let code = (error as? IOError)?.errnoCode
        let why =
            switch code {
            case EADDRINUSE where !others.isEmpty:
                "\(address.text) is taken: \(others.map(\.setting).joined(separator: ", ")) names the same port"
            case EADDRINUSE: "\(address.text) is taken by another process"
            case EACCES, EPERM: "\(address.text) may not be listened on by this user"
            case EADDRNOTAVAIL: "\(address.host) is no address of this machine"
            case let code?: "\(address.text) cannot be listened on: \(String(cString: strerror(code)))"
            case nil: "\(address.text) cannot be listened on: \(address.host) is not known here"
            }
        description = "\(why). Give another address with \(address.setting)."
    }
}
