package import DeclineRecovery
import JSON
package import Pipeline
import Synchronization

/// What acting on letters needs beside the letters.
package struct LetterTools: Sendable {
    package let store: LetterStore
    /// Under the configuration as it stands when asked.
    package let forecaster: @Sendable () -> Forecaster
    /// `nil` where no configuration is at hand: nobody can be asked then.
    package let reconciler: Reconciler?

    package init(store: LetterStore, forecaster: @escaping @Sendable () -> Forecaster, reconciler: Reconciler?) {
        self.store = store
        self.forecaster = forecaster
        self.reconciler = reconciler
    }

    var clock: any OperatorClock { store.clock }
}

/// One order of one operator on its way: takes the lock, looks at the letters as they are then, acts, and tells how far it is.
///
/// Only one job acts at a time, in the whole fleet. A job that dies in the middle frees the lock; what it did stands in the stream, and a
/// run of replays can be finished by another.
package final class LetterJob: Sendable {
    package let id: UUID5
    package let order: LetterAction
    package let by: LetterRecord.Operator
    package let note: String?
    package let startedAt: Moment
    let selection: LetterSelection
    /// Where the letters stood when somebody approved it, by letter; `nil` where they are meant as they are now.
    let seen: [UUID5: Int64]?
    let tools: LetterTools
    /// How long to wait for what becomes of replayed messages.
    let patience: Moment.Span
    private let onResult: @Sendable (Progress.Result) -> Void
    private let progressNow: Mutex<Progress>
    private let stopping = Atomic<Bool>(false)
    private let hasWritten = Atomic<Bool>(false)

    /// How far a job is.
    package struct Progress: Sendable, Equatable {
        package var state = State.waiting
        package var total = 0
        /// Replays: messages that are with the broker. Else: letters that were seen to.
        package var done = 0
        package var succeeded = 0
        package var failed = 0
        package var leftOut = 0
        package var message = "waiting for its turn"
        /// Why it did not do what it was asked.
        package var failure: LetterJobError?
        package var endedAt: Moment?
        /// Replays: what came of those that were processed, e.g. `told approved`, and of how many.
        package var kinds: [String: Int] = [:]
        /// The last of them.
        package var results: [Result] = []

        package var pending: Int { max(done - succeeded - failed, 0) }

        package struct Result: Sendable, Equatable {
            package let letter: UUID5
            package let orderID: String?
            package let outcome: Outcome
            package let sentence: String
            /// What would have done what was left out.
            package let lifting: DryRun.Lifting?
        }

        package enum Outcome: String, Sendable, CaseIterable {
            case succeeded, failed
            /// It may not be done to this letter, or need not.
            case leftOut = "left_out"
            case pending
        }
    }

    package enum State: String, Sendable, CaseIterable {
        case waiting, running
        /// All is sent; what becomes of it is waited for.
        case watching
        case finished
        /// Before its end, by itself or by a person.
        case stopped
        case failed

        package var isOver: Bool { self == .finished || self == .stopped || self == .failed }
    }

    /// - Parameter id: by which it was known before it began, if it was.
    /// - Parameter onResult: told of every letter's result; the progress keeps the last ones only.
    package init(
        _ order: LetterAction, _ selection: LetterSelection, asSeen seen: [UUID5: Int64]? = nil, by: LetterRecord.Operator, note: String?,
        tools: LetterTools,
        patience: Moment.Span = .seconds(60), id: UUID5? = nil, onResult: @escaping @Sendable (Progress.Result) -> Void = { _ in }
    ) {
        self.order = order
        self.selection = selection
        self.seen = seen
        self.by = by
        self.note = note
        self.tools = tools
        self.patience = patience
        self.onResult = onResult
        if case .unfinished(let run) = selection { self.id = run } else { self.id = id ?? .random() }
        startedAt = tools.clock.now()
        progressNow = Mutex(Progress())
    }

    package var progress: Progress { progressNow.withLock { $0 } }

    /// Stops before the next message; what is under way is told.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// Whether it came to nothing before its first record, though nobody stopped it: then nothing of it is anywhere.
    var couldNotBegin: Bool { progress.state == .failed && !hasWritten.load(ordering: .relaxed) && !isStopping }

    var isStopping: Bool { stopping.load(ordering: .relaxed) || Task.isCancelled }

    func change(_ body: (inout Progress) -> Void) { progressNow.withLock { body(&$0) } }

    func say(_ state: State, _ message: String) {
        change { progress in
            progress.state = state
            progress.message = message
            if state.isOver { progress.endedAt = tools.clock.now() }
        }
    }

    func result(_ letter: UUID5, _ outcome: Progress.Outcome, _ sentence: String, lifting: DryRun.Lifting? = nil) {
        let orderID = tools.store.look { $0[letter]?.orderID }
        let result = Progress.Result(letter: letter, orderID: orderID, outcome: outcome, sentence: sentence, lifting: lifting)
        change { progress in
            progress.results.append(result)
            if progress.results.count > 50 { progress.results.removeFirst() }
        }
        onResult(result)
    }

    func leaveOut(_ letter: UUID5, _ why: String, lifting: DryRun.Lifting? = nil) {
        change { $0.leftOut += 1 }
        result(letter, .leftOut, why, lifting: lifting)
    }

    /// Does it. Never throws: the progress says how it ended.
    ///
    /// - Parameter seconds: how long to wait for whoever acts at the moment.
    package func run(waitingForLock seconds: Int = 10) async {
        do throws(LetterJobError) {
            if order.kind.needsNote, selection.isNew, (note ?? "").allSatisfy(\.isWhitespace) { throw .noteMissing }
            let lock = try await take(within: seconds)
            let outcome: Result<Void, LetterJobError>
            do throws(LetterJobError) {
                do throws(BrokerFailure) { try await tools.store.catchUp() } catch { throw .broker(error) }
                switch order {
                case .replay: try await replay(lock)
                case .reconcile: try await reconcile(lock)
                case .discard, .restore, .resolve: try await mark(lock)
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await lock.release()
            try outcome.get()
        } catch {
            change { $0.failure = error }
            say(.failed, error.description)
        }
    }

    private func take(within seconds: Int) async throws(LetterJobError) -> any HeldLock {
        let deadline = tools.clock.uptime + .seconds(Int64(seconds))
        while true {
            do throws(BrokerFailure) {
                if let lock = try await tools.store.broker.lock.take() { return lock }
            } catch {
                throw .broker(error)
            }
            // Who it is nobody can tell: the lock has no name, and a run without an end may be one whose process died.
            if tools.clock.uptime >= deadline || isStopping { throw .somebodyElse }
            say(.waiting, "somebody else acts on dead letters at the moment; waiting for them to finish")
            await tools.clock.sleep(.milliseconds(200))
        }
    }

    /// The letters that are meant, as they are now, the oldest first.
    func selected() async throws(LetterJobError) -> [LetterSummary] {
        switch selection {
        case .letters(let named):
            var seen: Set<UUID5> = []
            let ids = named.filter { seen.insert($0).inserted }
            let (found, missing) = tools.store.look { book in (ids.compactMap { book[$0] }, ids.filter { book[$0] == nil }) }
            for id in missing { leaveOut(id, "there is no such letter") }
            return found
        case .filter(let filter):
            do throws(BrokerFailure) { return try await tools.store.select(filter).reversed() } catch { throw .broker(error) }
        case .unfinished(let run):
            return tools.store.look { book in book.runs[run]?.letters.compactMap { book[$0] } ?? [] }
        }
    }

    /// Those of some letters that nothing speaks against; the others are left out with what does.
    func admitted(_ letters: [LetterSummary], _ refusal: (LetterSummary) -> String?) -> [LetterSummary] {
        let (meant, others) = letters.split(refusal)
        for (letter, why) in others { leaveOut(letter.id, why) }
        return meant
    }

    func record(_ act: LetterRecord.Act, note: String? = nil) -> LetterRecord {
        LetterRecord(id: .random(), at: tools.clock.now(), by: by, note: note, job: id, act: act)
    }

    func publish(_ messages: [OperatorMessage], _ lock: any HeldLock) async throws(LetterJobError) {
        hasWritten.store(true, ordering: .relaxed)
        do throws(BrokerFailure) { try await lock.publish(messages) } catch { throw failure(error, lock) }
    }

    /// Appends records and waits until the book holds them.
    func append(_ records: [LetterRecord], _ lock: any HeldLock) async throws(LetterJobError) {
        hasWritten.store(true, ordering: .relaxed)
        let isSeen: Bool
        do throws(BrokerFailure) { isSeen = try await tools.store.append(records, under: lock) } catch { throw failure(error, lock) }
        guard isSeen, lock.isHeld else { throw .lockLost }
    }

    /// What ends a job that could not publish. An alarm takes the lock along, and says more than that it went.
    private func failure(_ error: BrokerFailure, _ lock: any HeldLock) -> LetterJobError {
        lock.isHeld || error.isAlarm ? .broker(error) : .lockLost
    }
}

extension UUID5 {
    static func random() -> UUID5 {
        // Version 4 and its variant (RFC 9562 §5.4), for these are drawn and not derived.
        UUID5(
            high: .random(in: 0 ... .max) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: .random(in: 0 ... .max) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}
