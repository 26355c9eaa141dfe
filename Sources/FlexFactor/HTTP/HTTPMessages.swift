import DeclineRecovery
import NIOCore

/// A request of the lane client: small, whole, its body in memory.
struct HTTPRequest: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    let method: Method
    /// With the query, percent-encoded.
    let path: String
    /// Without the host and the body's length, which are added where it is sent.
    var fields: HeaderFields
    let body: [UInt8]

    init(method: Method, path: String, fields: HeaderFields, body: [UInt8]) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
    }

    init(method: Method, path: String, headers: [(name: String, value: String)], body: [UInt8]) {
        var fields = HeaderFields()
        for (name, value) in headers { fields.add(name, value) }
        self.init(method: method, path: path, fields: fields, body: body)
    }
}

struct HTTPResponse: Sendable {
    let status: Int
    /// The one header field that says something to us, besides those of the transport.
    var retryAfter: String?
    let body: [UInt8]
    /// On which it came.
    var connection: NIOLoopBound<HTTPConnection>?

    /// A body as it was before something on the way packed it, though it is asked for as it is. What cannot be unpacked stays as it came, and is
    /// read by nobody.
    static func unpacked(_ body: [UInt8], _ coding: String?) -> [UInt8] {
        guard let coding, ["gzip", "x-gzip", "deflate"].contains(coding.lowercased().filter { $0 != " " }) else { return body }
        return Inflate.unpacked(body, limit: HTTPConnection.bodyLimit) ?? body
    }
}

/// What became of a request. The client's whole purpose is the line between the last two.
enum HTTPOutcome: Sendable {
    case answered(HTTPResponse)
    /// No byte of the request was given to the socket: the peer cannot have acted on it.
    case notSent(NotSent)
    /// The request was written, in part or whole. The peer may have acted on it.
    case unknown(Unknown)

    /// The failure in the recovery's words; an answer is none, and reads as one that cannot be understood.
    var failure: CallFailure {
        switch self {
        case .answered(let response): .unknown(.unreadable("status \(response.status)"))
        case .notSent(.cannotConnect(let why)): .notSent(.cannotConnect(why))
        case .notSent(.cannotCall(let why)): .notSent(.cannotCall(why))
        case .notSent(.deadline): .notSent(.deadline)
        case .unknown(.timedOut): .unknown(.timedOut)
        case .unknown(.connectionLost(let why)): .unknown(.connectionLost(why))
        case .unknown(.tooLarge): .unknown(.unreadable("the answer is larger than \(HTTPConnection.bodyLimit) bytes"))
        }
    }

    enum NotSent: Sendable, Hashable {
        case cannotConnect(String)
        /// Nothing of the peer's: this process could not even try.
        case cannotCall(String)
        case deadline
    }

    enum Unknown: Sendable, Hashable {
        case timedOut
        case connectionLost(String)
        case tooLarge
    }
}

/// How far a request has come; decides what it means that its time is over.
enum HTTPProgress: Sendable, Hashable {
    case waiting, written

    /// The outcome when the time is over at this point.
    var timedOut: HTTPOutcome {
        switch self {
        case .waiting: .notSent(.deadline)
        case .written: .unknown(.timedOut)
        }
    }
}
