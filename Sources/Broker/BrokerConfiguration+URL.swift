extension BrokerConfiguration {
    /// Reads `amqp[s]://user:password@host[:port][,host[:port]...]/vhost`.
    ///
    /// Parts are percent-decoded. Without a path, or with `/` alone, the virtual host is `/`. Ports default to 5672 and 5671, the user to guest.
    ///
    /// - Parameter passwordElsewhere: whether a user may stand there without a password.
    /// - Throws: `BrokerURLError`, which names the part that is not of its form and holds no password.
    public init(url: String, passwordElsewhere: Bool = false) throws(BrokerURLError) {
        let secure: Bool
        var rest: Substring
        if url.hasPrefix("amqp://") {
            secure = false
            rest = url.dropFirst("amqp://".count)
        } else if url.hasPrefix("amqps://") {
            secure = true
            rest = url.dropFirst("amqps://".count)
        } else {
            throw BrokerURLError("it begins with neither amqp:// nor amqps://")
        }
        if rest.contains(where: { $0 == "?" || $0 == "#" }) {
            throw BrokerURLError("it has a query or a fragment; options are set elsewhere, and ? and # are written %3F and %23")
        }
        var virtualHost = "/"
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
            if path.contains("/") { throw BrokerURLError("the virtual host has a slash; write it as %2F") }
            if !path.isEmpty { virtualHost = try Self.decode(path, "the virtual host") }
        }
        var user = "guest"
        var password = "guest"
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at]
            rest = rest[rest.index(after: at)...]
            let colon = credentials.firstIndex(of: ":")
            if colon == nil, !passwordElsewhere { throw BrokerURLError.withoutPassword }
            user = try Self.decode(credentials[..<(colon ?? credentials.endIndex)], "the user")
            if let colon { password = try Self.decode(credentials[credentials.index(after: colon)...], "the password") }
        }
        var hosts: [Host] = []
        for part in rest.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try Self.host(part, defaultPort: secure ? 5671 : 5672))
        }
        self.init(
            hosts: hosts, virtualHost: virtualHost, login: .plain(user: user, password: Password(password)), tls: secure ? TLS() : nil)
    }

    private static func host(_ text: Substring, defaultPort: UInt16) throws(BrokerURLError) -> Host {
        var name = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw BrokerURLError("an IPv6 address lacks its closing bracket") }
            name = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            if !after.isEmpty {
                guard after.hasPrefix(":") else { throw BrokerURLError("something other than a port follows an IPv6 address") }
                port = after.dropFirst()
            }
        } else if let colon = text.lastIndex(of: ":") {
            name = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        if name.isEmpty { throw BrokerURLError("a host name is empty") }
        guard let port else { return Host(String(name), port: defaultPort) }
        guard let number = UInt16(port), number > 0 else { throw BrokerURLError("the port of host \(name) is not a number of 1...65535") }
        return Host(String(name), port: number)
    }

    private static func decode(_ text: Substring, _ what: String) throws(BrokerURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw BrokerURLError("\(what) has a % without two hex digits after it")
                }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw BrokerURLError("\(what) is not UTF-8") }
        return decoded
    }
}

/// What is wrong with a broker URL. Never holds the URL: it may have a password in it.
public struct BrokerURLError: Error, Hashable, Sendable, CustomStringConvertible {
    public let fault: String

    init(_ fault: String) {
        self.fault = fault
    }

    /// A user, and neither there nor elsewhere a password.
    public static let withoutPassword = BrokerURLError("a user stands there without a password (user:password@)")

    public var advice: String {
        "Write it as amqp://user:password@host:5672/vhost, or amqps:// for TLS; several hosts with commas between."
    }
    public var description: String { "the broker URL cannot be read: \(fault). \(advice)" }
}
