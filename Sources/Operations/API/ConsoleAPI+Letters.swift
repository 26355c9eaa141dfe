import DeclineRecovery
import JSON
import Pipeline

extension ConsoleAPI {
    func letters(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let filter = try LetterFilter { request.query[$0] }
        let offset = try request.number("offset", 0...1_000_000_000) ?? 0
        let limit = try request.number("limit", 1...200) ?? 50
        let page: (total: Int, letters: [LetterSummary])
        do throws(BrokerFailure) { page = try await store.page(filter, offset: offset, limit: limit) } catch { throw .broker(error) }
        return .object(of: [
            ("total", .integer(Int64(page.total))), ("ready", .bool(flow.isReady.letters)), ("connected", .bool(store.broker.isConnected)),
            ("letters", .array(page.letters.map(LetterView.summary))),
        ])
    }

    /// What a filter means, as a file: as much as the list says of each.
    func export(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let format = request.query["format"] ?? ""
        guard ["csv", "json"].contains(format) else {
            throw .unexpected("format", format.isEmpty ? nil : format, expected: "csv or json")
        }
        let filter = try LetterFilter { request.query[$0] }
        // Half of the letters would read like all, and those of before an outage like those of now: no file says of when it is.
        if !flow.isReady.letters { throw .unready }
        try requireBroker()
        let page: (total: Int, letters: [LetterSummary])
        do throws(BrokerFailure) { page = try await store.page(filter, offset: 0, limit: LetterTable.most) } catch { throw .broker(error) }
        return .object(of: [
            ("total", .integer(Int64(page.total))), ("exported", .integer(Int64(page.letters.count))),
            ("csv", format == "csv" ? .string(LetterTable.csv(page.letters)) : nil),
            ("letters", format == "json" ? .array(page.letters.map(LetterView.summary)) : nil),
        ])
    }

    func groups(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        let filter = try LetterFilter { request.query[$0] }
        let groups: [LetterGroup]
        do throws(BrokerFailure) { groups = try await store.groups(filter) } catch { throw .broker(error) }
        return .object(of: [
            ("total", .integer(Int64(groups.reduce(0) { $0 + $1.count }))), ("connected", .bool(store.broker.isConnected)),
            ("groups", .array(groups.map(LetterView.group))),
        ])
    }

    func whole(_ text: String) async throws(ConsoleError) -> (LetterSummary, DeadLetter) {
        let id = try id(text)
        guard let summary = store.look({ $0[id] }) else { throw .notFound }
        try requireBroker()
        let letter: DeadLetter?
        do throws(BrokerFailure) { letter = try await store.letter(id) } catch { throw .broker(error) }
        guard let letter else { throw .notFound }
        return (summary, letter)
    }

    func letter(_ text: String, _ person: ConsoleRequest.Person) async throws(ConsoleError) -> JSONValue {
        let (summary, letter) = try await whole(text)
        let history: [LetterRecord]
        do throws(BrokerFailure) { history = try await store.history(of: letter.id) } catch { throw .broker(error) }
        let offers = offers([summary], for: person)
        return LetterView.detail(
            summary, letter, history: history, forecast: tools.forecaster().forecast(letter.original.redactedBody, at: letter.stage),
            suggestions: Suggestion.all(for: letter, merchants: merchants(), now: tools.clock.now()), original: letter.original.json,
            more: [
                ("stakes", summary.isToDo ? stakes(of: letter).json : nil), ("actions", offers.json),
                ("corrected", offers.offer(.replay, isCorrected: true)),
            ])
    }

    private func stakes(of letter: DeadLetter) -> LetterStakes {
        LetterStakes(letter, merchants: tools.forecaster().merchants, now: tools.clock.now())
    }

    /// What a correction changes, whether it may be sent, and what would become of it. Changes nothing.
    func check(_ text: String, _ body: JSONValue) async throws(ConsoleError) -> JSONValue {
        try body.allow(["body", "patch"])
        let (summary, letter) = try await whole(text)
        let before = letter.original.json ?? .null
        let patch: JSONPatch
        let edited = try body.text("body")
        if let given = try body.patch("patch") {
            if edited != nil { throw .badRequest("Expected a body or a patch, and not both.", "Leave out the one that is not meant.") }
            patch = given
        } else if let edited {
            let after: JSONValue
            do throws(JSONError) {
                after = try JSONValue(parsing: Array(edited.utf8).span)
            } catch {
                throw .notJSON(error, in: edited)
            }
            patch = JSONPatch.between(before, after)
        } else {
            throw .badRequest("There is neither a body nor a patch.")
        }
        let edit = LetterEdit.apply(patch, to: letter)
        if case .failure(let refusal) = edit { throw .refused(refusal, patch, before) }
        let isChanged = !patch.operations.isEmpty
        let outcome = DryRun(tools: tools, correction: isChanged ? .patch(patch) : nil, consent: .toAll).run(
            summary, letter, edit: isChanged ? edit : nil)
        let after = (try? JSONValue(parsing: outcome.body.span, limits: JSONLimits(bytes: .max, depth: 512))) ?? before
        return .object(of: [
            ("patch", patch.json), ("differences", LetterView.differences(outcome.differences)), ("body", .string(after.pretty)),
            ("faults", LetterView.faults(outcome.forecast.faults)), ("forecast", LetterView.forecast(outcome.forecast, at: letter.stage)),
            ("mayReplay", .bool(outcome.refusal == nil)), ("why", .text(outcome.refusal)),
            ("needsCrmConsent", .text(outcome.needsConsent?.sentence)),
            (
                "suggestions",
                LetterView.suggestions(Suggestion.all(for: after, at: letter.stage, merchants: merchants(), now: tools.clock.now()))
            ),
        ])
    }
}
