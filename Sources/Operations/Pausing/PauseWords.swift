package import DeclineRecovery

/// What somebody names to be paused, in the words of a command or a request.
package struct PauseWords: Sendable, Equatable {
    let merchant: String?
    let gateway: String?
    let stage: Stage?
    /// A worker's id, or the name of its host.
    package let worker: String?

    package init(merchant: String?, gateway: String?, stage: Stage?, worker: String?) throws(PauseRefusal) {
        for (name, value) in [("merchant", merchant), ("gateway", gateway), ("worker", worker)] {
            // A variable of a script that is not set must not mean something else.
            if let value, value.allSatisfy(\.isWhitespace) { throw .empty(name) }
        }
        if [merchant != nil || gateway != nil, stage != nil, worker != nil].count(where: \.self) != 1 { throw .nothingNamed }
        self.merchant = merchant
        self.gateway = gateway
        self.stage = stage
        self.worker = worker
    }

    /// What is meant, by the configuration's names where there is one, and by the workers that live: another name would pause nothing.
    package func target(among merchants: [Merchant]?, workers: [String]) throws(PauseRefusal) -> Pause.Target {
        if let stage { return .stage(stage) }
        if let worker {
            let meant = workers.contains(worker) ? [worker] : workers.filter(isMeant)
            guard let found = meant.first else { throw .noSuchWorker(worker, living: workers) }
            if meant.count > 1 { throw .severalWorkers(worker, meant) }
            return .worker(found)
        }
        let gateway = gateway.map(GatewayID.init(_:))
        guard let merchants else {
            guard let merchant else { throw .whoseGateway }
            return gateway.map { .gateway(MerchantID(merchant), $0) } ?? .merchant(MerchantID(merchant))
        }
        let meant = merchants.filter { one in
            (merchant == nil || one.id == merchant.map(MerchantID.init(_:))) && (gateway.map { one.flexFactorGateways[$0] != nil } ?? true)
        }
        guard let found = meant.first, meant.count == 1 else {
            let whose = [merchant.map { "merchant \($0)" }, gateway.map { "FlexFactor gateway \($0)" }].compactMap { $0 }
                .joined(separator: " with ")
            throw meant.isEmpty ? .unknown(whose) : .several(whose, meant.map(\.id.text).sorted())
        }
        return gateway.map { .gateway(found.id, $0) } ?? .merchant(found.id)
    }

    /// Whether a worker's id is what somebody named. An id is "salvage HOST PID".
    private func isMeant(_ id: String) -> Bool { worker.map { id == $0 || id.hasPrefix("salvage \($0) ") } ?? false }

    /// What is meant where nothing tells what there is.
    func bareTarget() throws(PauseRefusal) -> Pause.Target {
        // What looks like no id is of no worker, and whatever it is, it is not to stand on a stream.
        if let worker, !Self.isWorkerID(worker) { throw .noWorkerID }
        return try target(among: nil, workers: worker.map { [$0] } ?? [])
    }

    private static func isWorkerID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("salvage".utf8) else { return false }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isOfHost(_ byte: UInt8) -> Bool {
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-._".utf8.contains(byte)
        }
        return (1...253).contains(parts[1].count) && parts[1].allSatisfy(isOfHost) && (1...10).contains(parts[2].count)
            && parts[2].allSatisfy(isDigit)
    }

    /// What is meant of what is paused, whatever the configuration says today.
    func pause(among pauses: [Pause]) throws(PauseRefusal) -> Pause {
        let meant = pauses.filter { pause in
            switch pause.target {
            case .stage(let one): one == stage
            case .merchant(let one): gateway == nil && one == merchant.map(MerchantID.init(_:))
            case .gateway(let owner, let one):
                one == gateway.map(GatewayID.init(_:)) && (merchant == nil || owner == merchant.map(MerchantID.init(_:)))
            case .worker(let id): isMeant(id)
            }
        }
        if let exactly = meant.first(where: { $0.target == worker.map(Pause.Target.worker) }) { return exactly }
        guard let found = meant.first else { throw .notPaused }
        if meant.count > 1 { throw .severalPaused(meant.map(\.target)) }
        return found
    }
}

extension PauseWords: CustomStringConvertible {
    package var description: String {
        [
            gateway.map { "gateway \($0)" }, merchant.map { (gateway == nil ? "" : "of ") + "merchant \($0)" },
            stage.map { "stage \($0.rawValue)" },
            worker.map { "worker \($0)" },
        ].compactMap { $0 }.joined(separator: " ")
    }
}

/// Why something is not paused, or does not go on.
package enum PauseRefusal: Error, Sendable, Equatable {
    /// A name that says nothing.
    case empty(String)
    case nothingNamed
    case whoseGateway
    /// The configuration has none.
    case unknown(String)
    /// Of several merchants.
    case several(String, [String])
    /// No worker that lives is called so.
    case noSuchWorker(String, living: [String])
    case severalWorkers(String, [String])
    /// Nothing tells which workers there are, and what is named is no id.
    case noWorkerID
    case over(Moment, now: Moment)
    case tooLong(Moment)
    case noReason
    /// What was written is not kept; why not.
    case cardData(String)
    case pausedAlready(Pause)
    case notPaused
    case severalPaused([Pause.Target])
    case broker(BrokerFailure)

    /// Whether several workers are meant, and not several gateways.
    package var meansWorkers: Bool {
        guard case .severalPaused(let targets) = self else { return false }
        return targets.contains { if case .worker = $0 { true } else { false } }
    }

    package var what: String {
        switch self {
        case .empty(let name): "The \(name) is empty."
        case .nothingNamed:
            "Nothing is named, or too much: a merchant, a FlexFactor gateway with or without its merchant, a stage, or a worker."
        case .whoseGateway: "Whose gateway is it?"
        case .unknown(let what): "The configuration has no \(what)."
        case .several(let what, let merchants): "Several merchants have a \(what): \(merchants.joined(separator: ", "))."
        case .noSuchWorker(let name, let living):
            "No worker that lives is called \(name). "
                + (living.isEmpty ? "None is heard of." : "There are: \(living.joined(separator: ", ")).")
        case .severalWorkers(let host, let workers): "Several workers live on \(host): \(workers.joined(separator: ", "))."
        case .noWorkerID: "A worker's id is `salvage HOST PID`, and what is named is none."
        case .over(let end, let now): "The end, \(end.rfc3339), is over: it is \(now.rfc3339)."
        case .tooLong(let last): "A pause lasts 7 days at the most: until \(last.rfc3339) now."
        case .noReason: "There is no reason."
        case .cardData(let what): what
        case .pausedAlready(let pause):
            "Paused already: \(pause.target), by \(pause.by) until \(pause.until.rfc3339): \(pause.why)"
        case .notPaused: "That is not paused."
        case .severalPaused(let targets): "Several are meant: \(targets.map(\.description).joined(separator: ", "))."
        case .broker(let failure): failure.description
        }
    }
}
