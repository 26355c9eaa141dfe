import DeclineRecovery
import HTTPTypes
package import Hummingbird
import JSON
package import Logging
package import NIOCore
package import Operations

/// The console over HTTP: the page, and the API behind who may use it.
///
/// No cookie is used, so another site's page has nothing to ride on; every call must carry a header of ours besides, which other origins
/// may not send. Where no access is configured the host must be this machine by name, so that no foreign name can be made to point here.
package struct ConsoleFront: Sendable {
    private let api: ConsoleAPI
    private let access: @Sendable () -> ConsoleAccess
    private let localName: String
    private let isLoopback: Bool
    private let complaints: @Sendable () -> [String]
    private let metrics: @Sendable () -> String
    private let logger: Logger
    private let bodyLimit = 2 << 20
    private let signIns = SignInPacer()
    /// For what reads a whole stream, or works on a whole message, while somebody waits.
    private let heavy = WorkGate(running: 3, waiting: 9, patience: .seconds(10))
    /// The longest that one of them may take.
    private let heavyLimit = Duration.seconds(25)

    /// - Parameters:
    ///   - access: as it is configured when asked.
    ///   - complaints: why it is not ready, a line each.
    ///   - metrics: Prometheus' text.
    ///   - localName: who acts where no access is configured.
    ///   - isLoopback: whether it listens on this machine alone; without configured access nobody is let in elsewhere.
    package init(
        api: ConsoleAPI, access: @escaping @Sendable () -> ConsoleAccess, localName: String, isLoopback: Bool,
        complaints: @escaping @Sendable () -> [String],
        metrics: @escaping @Sendable () -> String, logger: Logger
    ) {
        self.api = api
        self.access = access
        self.localName = localName
        self.isLoopback = isLoopback
        self.complaints = complaints
        self.metrics = metrics
        self.logger = logger
    }

    package var router: Hummingbird.Router<ConsoleContext> {
        let router = Hummingbird.Router(context: ConsoleContext.self, options: .autoGenerateHeadEndpoints)
        router.middlewares.add(RefusalInWords())
        router.get("livez") { _, _ in Self.text(.ok, "alive\n") }
        router.get("readyz") { _, _ in
            let missing = complaints()
            return missing.isEmpty ? Self.text(.ok, "ready\n") : Self.text(.serviceUnavailable, missing.map { $0 + "\n" }.joined())
        }
        // Counts and no names: as open as a worker's.
        router.get("metrics") { _, _ in Self.text(.ok, metrics()) }
        router.get("/") { _, _ in Self.file(.html, ConsolePage.index) }
        router.get("assets/:name") { _, context in
            guard let (kind, bytes) = ConsolePage.asset(context.parameters.get("name") ?? "") else {
                return Self.text(.notFound, "nothing here\n")
            }
            return Self.file(kind, bytes)
        }
        router.get("api/openapi.json") { _, _ in Self.file(.json, ConsolePage.api) }
        router.get("api/**") { request, context in await serve(request, context, .get, []) }
        router.post("api/**") { request, context in
            // Throws 413 beyond the limit.
            let body = try await request.body.collect(upTo: bodyLimit)
            return await serve(request, context, .post, Array(body.readableBytesView))
        }
        return router
    }

    // MARK: The API

    private func serve(_ request: Request, _ context: ConsoleContext, _ method: ConsoleRequest.Method, _ bytes: [UInt8]) async -> Response {
        let response: ConsoleResponse
        do throws(ConsoleError) {
            let person = try await person(behind: request, context)
            let origin = RequestOrigin(
                mark: request.headers[Self.ours], site: request.headers[Self.site], origin: request.headers[.origin],
                authority: request.head.authority ?? "", contentType: request.headers[.contentType])
            if let refusal = origin.refusal(of: method) { throw refusal }
            var body = JSONValue.object([])
            if method == .post {
                do throws(JSONError) { body = try JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: bodyLimit, depth: 64)) } catch {
                    throw .badRequest(error.description)
                }
                if body.object == nil { throw .badRequest("Expected a JSON object.") }
            }
            var path = request.uri.path.split(separator: "/").dropFirst().map { $0.percentDecoded }
            // The page comes with its server, and needs no version.
            if path.first == "v1" { path.removeFirst() }
            let query = try Self.query(request.uri.query ?? "")
            let asked = ConsoleRequest(method: method, path: path, query: query, body: body, person: person)
            response = try await answer(asked)
            tell(asked, response)
        } catch {
            response = error.response
        }
        return Self.json(response)
    }

    /// What costs much is done a few at a time, and no more may wait than can be served while they do: the rest hears at once that it is too much.
    private func answer(_ asked: ConsoleRequest) async throws(ConsoleError) -> ConsoleResponse {
        guard asked.isHeavy else { return await api.answer(asked) }
        let api = api
        let limit = heavyLimit
        guard let answer = await heavy.run({ await TimeLimit.run(limit) { await api.answer(asked) } }) else {
            throw ConsoleError(status: 503, what: "Too many are asking for this at once.", advice: "Try again in a few seconds.")
        }
        guard let answer else {
            throw ConsoleError(
                status: 503, what: "It took longer than \(limit.components.seconds) s and was broken off.",
                advice: "Ask for less, e.g. for fewer days.")
        }
        return answer
    }

    /// Whoever opens the page has no token yet; who brings a wrong one mistook it, or tries, and is answered ever later.
    private func person(behind request: Request, _ context: ConsoleContext) async throws(ConsoleError) -> ConsoleRequest.Person {
        do throws(ConsoleError) {
            // Looked at first, whoever else comes from there: nobody guesses one of 24 characters.
            return try person(behind: request)
        } catch {
            guard error.status == 401, request.headers[.authorization] != nil else { throw error }
            let source = SignInPacer.source(context.remoteAddress?.ipAddress ?? "unknown")
            if let count = signIns.noteRefusal() {
                logger.warning("A sign-in is refused: the token is nobody's", metadata: ["peer": "\(source)", "count": "\(count)"])
            }
            if await signIns.wait(source) { throw error }
            throw ConsoleError(
                status: 429, what: "The token is nobody's, and too many such come from this address.",
                advice: "Wait a minute, then sign in with the right one.")
        }
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
        guard let header = request.headers[.authorization], header.prefix(7).lowercased() == "bearer ",
            let holder = access.holder(of: String(header.dropFirst(7)))
        else {
            throw .signIn
        }
        return ConsoleRequest.Person(name: holder.name, role: holder.role, isOpen: false, secondPerson: access.secondPerson)
    }

    private static let ours = HTTPField.Name(RequestOrigin.mark) ?? .accept
    private static let site = HTTPField.Name("Sec-Fetch-Site") ?? .accept

    /// Whether a Host header names this machine.
    static func isThisMachine(_ authority: String) -> Bool {
        let host = authority.hasPrefix("[") ? String(authority.prefix { $0 != "]" }) + "]" : String(authority.prefix { $0 != ":" })
        return ["localhost", "127.0.0.1", "[::1]"].contains(host.lowercased())
    }

    /// What is named twice is refused: nobody else knows which of both is meant.
    static func query(_ text: String) throws(ConsoleError) -> [String: String] {
        var query: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].percentDecoded
            if query[name] != nil {
                throw .badRequest(
                    "The query names '\(CardDataGuard.redacted(String(name.prefix(64))))' twice.",
                    "Name it once; several states are one, with commas between.")
            }
            query[name] = parts.count > 1 ? parts[1].replacing("+", with: " ").percentDecoded : ""
        }
        return query
    }

    /// Who began what; what was done to which letter stands in the stream, and why something is paused in another.
    private func tell(_ request: ConsoleRequest, _ response: ConsoleResponse) {
        guard request.method == .post, ["runs", "pauses"].contains(request.path.first), request.path.last != "rehearse" else { return }
        let word = request.path == ["pauses"] ? "pause" : request.path.last ?? ""
        logger.notice(
            response.status < 400 ? "An operator acts" : "An operator's act is refused",
            metadata: [
                "by": "\(request.person.name)", "action": "\(request.body["action"]?.string ?? word)",
                "run": "\(response.body["id"]?.string ?? response.body["target"]?.string ?? "")", "status": "\(response.status)",
            ])
    }

    // MARK: Answers

    fileprivate static func json(_ response: ConsoleResponse) -> Response {
        var headers = headers("application/json")
        headers[.cacheControl] = "no-store"
        if response.status == 503 || response.status == 429 { headers[.retryAfter] = response.status == 429 ? "60" : "3" }
        return Response(
            status: .init(code: response.status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: response.body.bytes)))
    }

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

/// Knows who is at the other end.
package struct ConsoleContext: RequestContext, RemoteAddressRequestContext {
    package var coreContext: CoreRequestContextStorage
    package let remoteAddress: SocketAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}

/// What is refused before anybody of ours is asked is answered in the same words, behind the same headers.
private struct RefusalInWords: RouterMiddleware {
    @concurrent func handle(
        _ request: Request, context: ConsoleContext, next: @concurrent (Request, ConsoleContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            let refusal =
                switch error.status.code {
                case let status where status == 404 || status == 405:
                    ConsoleError.noSuchPath("\(request.method.rawValue) \(request.uri.path)", status: status)
                case 413:
                    ConsoleError(
                        status: 413, what: "The request is larger than 2 MiB.",
                        advice: "Shorten the message, or act on letters by a filter.")
                case let status:
                    ConsoleError(
                        status: status, what: "The request cannot be served (\(status)).", advice: "Compare it with what the page sends.")
                }
            return ConsoleFront.json(refusal.response)
        }
    }
}

extension ConsoleRequest {
    /// Whether answering it reads a whole stream, or works on a whole message.
    var isHeavy: Bool {
        switch (method, path.first, path.last) {
        case (.get, "recoveries", _), (.get, "money", _), (.post, "letters", "check"), (.post, "mapping", _): true
        // A proposal is tried before it is kept; what begins at once is only noted.
        case (.post, "runs", "runs"): path.count == 1 && person.secondPerson != nil
        case (.post, "runs", "rehearse"): path.count == 2
        case (.get, "letters", _): path.count == 2 && path[1] != "groups"
        default: false
        }
    }
}
