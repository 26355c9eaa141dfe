package import DeclineRecovery
import JSON
import Pipeline
import Synchronization

/// What the console's page asks for, and its answers as JSON. Knows no HTTP.
package final class ConsoleAPI: Sendable {
    let tools: LetterTools
    let flow: FlowStore
    let merchants: @Sendable () -> [Merchant]
    let draft: @Sendable (_ yaml: String, _ merchant: Merchant) throws(DraftFaults) -> Merchant
    let version: String
    let besides: @Sendable () -> [FleetStatus.Fault]
    let jobs = JobRegistry()

    /// - Parameters:
    ///   - merchants: of the configuration as it stands when asked.
    ///   - draft: reads a mapping that somebody wants to try, and gives the merchant as it would then be.
    ///   - besides: what is wrong with this process itself.
    package init(
        tools: LetterTools, flow: FlowStore, merchants: @escaping @Sendable () -> [Merchant],
        draft: @escaping @Sendable (_ yaml: String, _ merchant: Merchant) throws(DraftFaults) -> Merchant, version: String,
        besides: @escaping @Sendable () -> [FleetStatus.Fault] = { [] }
    ) {
        self.tools = tools
        self.flow = flow
        self.merchants = merchants
        self.draft = draft
        self.version = version
        self.besides = besides
    }

    var store: LetterStore { tools.store }

    package func answer(_ request: ConsoleRequest) async -> ConsoleResponse {
        do throws(ConsoleError) {
            return try await route(request)
        } catch {
            return error.response
        }
    }

    private func route(_ request: ConsoleRequest) async throws(ConsoleError) -> ConsoleResponse {
        let path = request.path
        // Of a path that is none that is told, whatever its query names.
        if let place = path.first, Self.places.contains(place) { try request.allowQuery() }
        switch (request.method, path.first, path.count) {
        case (.get, "session", 1): return .ok(session(request.person))
        case (.get, "overview", 1):
            return .ok(try await Overview.json(flow, letters: store, jobs: jobs, besides: besides(), now: tools.clock.now()))
        case (.get, "status", 1): return .ok(try await status())
        case (.get, "letters", 1): return .ok(try await letters(request))
        case (.get, "letters", 2) where path[1] == "groups": return .ok(try await groups(request))
        case (.get, "letters", 2) where path[1] == "export": return .ok(try await export(request))
        case (.get, "letters", 2): return .ok(try await letter(path[1], request.person))
        case (.post, "letters", 3) where path[2] == "check": return .ok(try await check(path[1], request.body))
        case (.post, "letters", 2) where path[1] == "actions": return .ok(try await actions(request))
        case (.get, "runs", 1): return .ok(try await runs(request.person))
        case (.post, "runs", 2) where path[1] == "rehearse": return .ok(try await dryRun(request))
        case (.post, "runs", 1): return .accepted(try await begin(request))
        case (.get, "runs", 2): return .ok(try await run(path[1], request.person))
        case (.post, "runs", 3) where path[2] == "stop": return .ok(try await stop(path[1], request))
        case (.post, "runs", 3) where path[2] == "approve": return .accepted(try await approve(path[1], request))
        case (.post, "runs", 3) where path[2] == "resume": return .accepted(try await resume(path[1], request))
        case (.get, "recoveries", 1): return .ok(try await recoveries(request))
        case (.get, "pauses", 1): return .ok(try await pauses())
        case (.post, "pauses", 1): return .ok(try await pause(request))
        case (.post, "pauses", 2) where path[1] == "lift": return .ok(try await lift(request))
        case (.get, "money", 1): return .ok(try await money(request))
        case (.get, "mapping", 2) where path[1] == "options": return .ok(mappingOptions())
        case (.get, "mapping", 2) where path[1] == "gaps": return .ok(try await gaps())
        case (.post, "mapping", 2) where path[1] == "whatif": return .ok(try await whatIf(request.body))
        case (.post, "mapping", 1): return .ok(try explain(request.body))
        default: throw .noSuchPath("\(request.method.rawValue) /api/v1/\(path.joined(separator: "/"))")
        }
    }

    /// What paths begin with.
    private static let places: Set<String> = [
        "session", "overview", "status", "letters", "runs", "recoveries", "pauses", "money", "mapping",
    ]

    private func session(_ person: ConsoleRequest.Person) -> JSONValue {
        .object(of: [
            ("name", .string(person.name)), ("role", .string(person.role.rawValue)), ("open", .bool(person.isOpen)),
            ("version", .string(version)),
            ("prefix", .string(store.names.prefix)), ("hasConfiguration", .bool(tools.reconciler != nil)),
            ("secondPerson", .bool(person.secondPerson != nil)),
            ("merchants", .array(merchants().map { .string($0.id.text) })),
            ("reasons", .array(DeadLetterReason.allCases.map { .string($0.rawValue) })),
        ])
    }

    private func status() async throws(ConsoleError) -> JSONValue {
        try requireBroker()
        do throws(BrokerFailure) {
            return try await FleetStatus(store, flow, store.names, besides: besides(), now: tools.clock.now()).json
        } catch {
            throw .broker(error)
        }
    }

    func require(_ role: ConsoleRole, _ person: ConsoleRequest.Person) throws(ConsoleError) {
        if !person.role.includes(role) { throw .forbidden(role) }
    }

    /// What is read from the broker while somebody waits is asked for only where it can be had: half an answer would read like a whole one.
    func requireBroker() throws(ConsoleError) {
        if !store.broker.isConnected { throw .brokerAway }
    }

    func id(_ text: String) throws(ConsoleError) -> UUID5 {
        guard let id = UUID5(text) else { throw .noID(text) }
        return id
    }
}

extension Route {
    /// The way in a word, and where it leads.
    package var words: (word: String, detail: String) {
        switch self {
        case .cascade(let gateway): ("cascade", "to FlexFactor gateway \(gateway.id)")
        case .retry(let gateway): ("retry", "by FlexFactor gateway \(gateway.id)")
        case .skip(let reason): ("skip", "\(reason.rawValue): \(reason.sentence)")
        }
    }
}
