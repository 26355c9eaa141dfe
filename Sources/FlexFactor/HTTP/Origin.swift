/// Where FlexFactor's API is: scheme, host, port, and the path before its endpoints.
package struct Origin: Sendable, Hashable, CustomStringConvertible {
    let isSecure: Bool
    package let host: String
    package let port: Int
    /// Begins with a slash and ends without one; empty for the root.
    let basePath: String

    package static let sandbox = Origin(isSecure: true, host: "api-sandbox.flexfactor.io", port: 443, basePath: "/v1")
    package static let production = Origin(isSecure: true, host: "api.flexfactor.io", port: 443, basePath: "/v1")

    init(isSecure: Bool, host: String, port: Int, basePath: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    /// Reads `https://host[:port][/path]`. Plain `http` is for this machine alone: keys travel on it.
    ///
    /// - Returns: `nil` when the text is nothing of the kind. Without a path the API's version, `/v1`, is meant.
    package init?(_ url: String) { self.init(url, allowsPlain: false) }

    /// - Parameter allowsPlain: whether plain `http` may leave this machine: where nothing travels that must not be read.
    package init?(_ url: String, allowsPlain: Bool) {
        // The path goes out as it is, and must end no line of a request.
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        var rest: Substring
        if url.hasPrefix("https://") {
            isSecure = true
            rest = url.dropFirst("https://".count)
        } else if url.hasPrefix("http://") {
            isSecure = false
            rest = url.dropFirst("http://".count)
        } else {
            return nil
        }
        if rest.contains(where: { $0 == "@" || $0 == "?" || $0 == "#" }) { return nil }
        var path = ""
        if let slash = rest.firstIndex(of: "/") {
            path = String(rest[slash...])
            rest = rest[..<slash]
        }
        while path.hasSuffix("/") { path.removeLast() }
        var port = isSecure ? 443 : 80
        var host = rest
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else if let colon = rest.firstIndex(of: ":") {
            host = rest[..<colon]
            rest = rest[colon...]
        } else {
            rest = ""
        }
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), let number = Int(rest.dropFirst()), (1...65_535).contains(number) else { return nil }
            port = number
        }
        let name = host.lowercased()
        if name.isEmpty || !name.utf8.allSatisfy(Self.isHostByte) { return nil }
        if !isSecure, !allowsPlain, !Self.isThisMachine(name) { return nil }
        self.host = name
        self.port = port
        basePath = path.isEmpty ? "/v1" : path
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":")].contains(byte)
    }

    /// Whether a host is this machine by its address: 127.0.0.0/8 in four plain numbers, `::1`, or `localhost`. A name that only begins like an
    /// address is somebody else's.
    private static func isThisMachine(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (part == "0" || !part.hasPrefix("0")) && UInt8(part) != nil
            }
    }

    /// The value of the `Host` header, which requests sign.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(basePath)" }
}
