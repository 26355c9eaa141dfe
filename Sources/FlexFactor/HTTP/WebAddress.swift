package import NIOCore

/// An address on the web as somebody gave it, to which things are posted: what stands behind the host is sent as it is. It may hold a token, so
/// it prints without that.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    package let origin: Origin
    /// Path and query.
    let target: String

    /// Reads `https://host[:port][/path][?query]`. Plain `http` is for this machine alone, and a user or a fragment for nobody.
    package init?(_ url: String) {
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !url.contains("#"), let scheme = url.firstRange(of: "://") else {
            return nil
        }
        let rest = url[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let origin = Origin(String(url[..<end])) else { return nil }
        self.origin = origin
        let target = rest[end...]
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    package var description: String { (origin.isSecure ? "https://" : "http://") + origin.authority }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension HTTPLane {
    /// What became of something posted.
    package enum Posted: Sendable, Equatable {
        case answered(status: Int, retryAfter: String?)
        /// Why there is no answer. Whether it was received nobody knows.
        case failed(String)
    }

    /// Posts something, and waits for the answer's end. Redirects are answers like others.
    ///
    /// - Parameter authorities: whom to trust; those of the system when `nil`.
    package func post(
        _ body: [UInt8], headers: [(name: String, value: String)], to address: WebAddress, authorities: TrustedAuthorities? = nil,
        within time: TimeAmount
    ) async -> Posted {
        let request = HTTPRequest(method: .post, path: address.target, headers: headers, body: body)
        switch await execute(request, to: address.origin, authorities: authorities, deadline: .now() + time) {
        case .answered(let response): return .answered(status: response.status, retryAfter: response.retryAfter)
        case let outcome: return .failed("\(outcome.failure)")
        }
    }
}
