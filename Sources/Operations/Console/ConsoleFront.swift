import DeclineRecovery
import HTTPTypes
public import Hummingbird
public import Logging
import NIOCore

/// The console over HTTP: the page, and the API behind who may use it.
///
/// No cookie is used, so another site's page has nothing to ride on; every call must carry a header of ours besides, which other origins
/// may not send. Where no access is configured the host must be this machine by name, so that no foreign name can be made to point here.
public struct ConsoleFront: Sendable {
    private let api: ConsoleAPI
    private let access: @Sendable () -> ConsoleAccess
    private let localName: String
    private let isLoopback: Bool
    private let isReady: @Sendable () -> Bool
    private let metrics: @Sendable () -> String
    private let logger: Logger
    private let bodyLimit = 2 << 20

    /// - Parameters:
    ///   - access: as it is configured when asked.
    ///   - metrics: Prometheus' text.
    ///   - localName: who acts where no access is configured.
    ///   - isLoopback: whether it listens on this machine alone; without configured access nobody is let in elsewhere.
    public init(
        api: ConsoleAPI, access: @escaping @Sendable () -> ConsoleAccess, localName: String, isLoopback: Bool, isReady: @escaping @Sendable () -> Bool,
        metrics: @escaping @Sendable () -> String, logger: Logger
    ) {
        self.api = api
        self.access = access
        self.localName = localName
        self.isLoopback = isLoopback
        self.isReady = isReady
        self.metrics = metrics
        self.logger = logger
    }

    public func application(host: String, port: Int, onListening: @escaping @Sendable (Int) -> Void) -> some ApplicationProtocol {
        let router = Router()
        router.get("livez") { _, _ in Self.text(.ok, "alive\n") }
        router.get("readyz") { _, _ in isReady() ? Self.text(.ok, "ready\n") : Self.text(.serviceUnavailable, "not connected, or still reading the letters\n") }
        // Counts and no names: as open as a worker's.
        router.get("metrics") { _, _ in Self.text(.ok, metrics()) }
        router.get("/") { _, _ in Self.file(.html, PackageResources.index_html) }
        router.get("assets/:name") { _, context in
            guard let (kind, bytes) = ConsolePage.files[context.parameters.get("name") ?? ""] else { return Self.text(.notFound, "nothing here\n") }
            return Self.file(kind, bytes)
        }
        router.get("api/**") { request, context in await serve(request, .get, []) }
        router.post("api/**") { request, context in
            // Throws 413 beyond the limit.
            let body = try await request.body.collect(upTo: bodyLimit)
            return await serve(request, .post, Array(body.readableBytesView))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "salvage"),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) }, logger: quiet)
    }

    // MARK: The API

    private func serve(_ request: Request, _ method: ConsoleRequest.Method, _ bytes: [UInt8]) async -> Response {
        let response: ConsoleResponse
        do throws(ConsoleError) {
            let person = try person(behind: request)
            try guardOrigin(request, method)
            var body = JSONValue.object([])
            if method == .post {
                do throws(JSONError) { body = try JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: bodyLimit, depth: 64)) } catch {
                    throw .badRequest(error.description)
                }
            }
            let path = request.uri.path.split(separator: "/").dropFirst().map { String($0).percentDecoded }
            let asked = ConsoleRequest(method: method, path: path, query: Self.query(request.uri.query ?? ""), body: body, person: person)
            response = await api.answer(asked)
            tell(asked, response)
        } catch {
            response = error.response
        }
        var headers = Self.headers("application/json")
        headers[.cacheControl] = "no-store"
        return Response(status: .init(code: response.status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: response.body.bytes)))
    }

    private func person(behind request: Request) throws(ConsoleError) -> ConsoleRequest.Person {
        let access = access()
        if access.isOpen {
            guard isLoopback, Self.isThisMachine(request.head.authority ?? "") else {
                throw ConsoleError(
                    status: 403, what: "Without configured access the console is for this machine alone, by the name localhost.",
                    advice: "Open it as http://localhost, or configure `console.access`.")
            }
            return ConsoleRequest.Person(name: localName, role: .admin, isOpen: true)
        }
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer "), let holder = access.holder(of: String(header.dropFirst(7))) else {
            throw .signIn
        }
        return ConsoleRequest.Person(name: holder.name, role: holder.role, isOpen: false)
    }

    private func guardOrigin(_ request: Request, _ method: ConsoleRequest.Method) throws(ConsoleError) {
        let refusal = ConsoleError(status: 403, what: "The request does not come from the console's page.", advice: "Open the console itself.")
        if request.headers[Self.ours] != "1" { throw refusal }
        if let site = request.headers[Self.site] {
            if site != "same-origin" { throw refusal }
        } else if let origin = request.headers[.origin] {
            // Over plain HTTP to another machine a browser says nothing of the site, but still from where the page came.
            let authority = request.head.authority ?? ""
            if origin != "http://" + authority, origin != "https://" + authority { throw refusal }
        }
        if method == .post, request.headers[.contentType]?.hasPrefix("application/json") != true { throw refusal }
    }

    private static let ours = HTTPField.Name("X-Salvage-Console") ?? .accept
    private static let site = HTTPField.Name("Sec-Fetch-Site") ?? .accept

    /// Whether a Host header names this machine.
    static func isThisMachine(_ authority: String) -> Bool {
        let host = authority.hasPrefix("[") ? String(authority.prefix { $0 != "]" }) + "]" : String(authority.prefix { $0 != ":" })
        return ["localhost", "127.0.0.1", "[::1]"].contains(host.lowercased())
    }

    private static func query(_ text: String) -> [String: String] {
        var query: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(parts[0]).percentDecoded] = parts.count > 1 ? String(parts[1]).replacing("+", with: " ").percentDecoded : ""
        }
        return query
    }

    /// Who began what; what was done to which letter stands in the stream.
    private func tell(_ request: ConsoleRequest, _ response: ConsoleResponse) {
        guard request.method == .post, request.path.first == "runs" else { return }
        logger.notice("An operator acts", metadata: [
            "by": "\(request.person.name)", "action": "\(request.body["action"]?.string ?? request.path.last ?? "")",
            "run": "\(response.body["id"]?.string ?? "")", "status": "\(response.status)",
        ])
    }

    // MARK: Answers

    private static func headers(_ contentType: String) -> HTTPFields {
        var headers: HTTPFields = [.contentType: contentType + "; charset=utf-8", .xContentTypeOptions: "nosniff"]
        for (name, value) in ConsolePage.protections { if let name = HTTPField.Name(name) { headers[name] = value } }
        return headers
    }

    private static func file(_ kind: ConsolePage.Kind, _ bytes: [UInt8]) -> Response {
        var headers = headers(kind.rawValue)
        // A page of another version must not meet this API.
        headers[.cacheControl] = "no-cache"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(status: status, headers: headers("text/plain"), body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension String {
    /// Percent escapes of UTF-8 undone; a text with escapes that are none stays as it is.
    fileprivate var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return self }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? self
    }
}
