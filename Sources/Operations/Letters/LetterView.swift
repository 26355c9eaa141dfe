package import DeclineRecovery
package import JSON
package import Pipeline

/// Letters as JSON, for the command line's `--json` and for the console alike.
package enum LetterView {
    package static func summary(_ letter: LetterSummary) -> JSONValue {
        .object(of: [
            ("id", .string(letter.id.description)), ("state", .string(letter.state.rawValue)), ("reason", .string(letter.reason.rawValue)),
            ("explanation", .string(letter.explanation)), ("stage", .string(letter.stage.rawValue)),
            ("handling", .string(letter.handling.rawValue)),
            ("needsCrmConsent", .bool(letter.reason.needsCRMConsent)),
            ("merchantId", .text(letter.merchantID?.text)), ("orderId", .text(letter.orderID)),
            ("recoveryReference", .text(letter.reference?.text)),
            ("gatewayId", .text(letter.gatewayID?.text)), ("firstAt", .integer(letter.firstAt.milliseconds)),
            ("lastAt", .integer(letter.lastAt.milliseconds)),
            ("occurrences", .integer(Int64(letter.occurrences))), ("attempts", .integer(Int64(letter.attempts))),
            ("waitsForCrm", .bool(letter.waitsForCRM)), ("isToDo", .bool(letter.isToDo)), ("toDo", .text(letter.toDo)),
            ("successor", .text(letter.successor?.description)),
            ("run", .text(letter.run?.description)), ("outcome", .text(letter.resolution?.text)),
        ])
    }

    package static func group(_ group: LetterGroup) -> JSONValue {
        .object(of: [
            ("reason", .string(group.reason.rawValue)), ("stage", .string(group.stage.rawValue)),
            ("merchantId", .text(group.merchantID?.text)),
            ("explanation", .string(group.example)), ("advice", .string(group.advice)),
            ("handling", .string(group.handling.rawValue)),
            ("needsCrmConsent", .bool(group.reason.needsCRMConsent)),
            ("toDo", .string(group.reason.needsCRMConsent ? LetterHandling.consentWords : group.handling.words)),
            ("count", .integer(Int64(group.count))), ("oldest", .integer(group.oldest.milliseconds)),
            ("newest", .integer(group.newest.milliseconds)),
        ])
    }

    package static func detail(
        _ summary: LetterSummary, _ letter: DeadLetter, history: [LetterRecord], forecast: Forecast, suggestions: [Suggestion],
        original json: JSONValue?, more: [(String, JSONValue?)]
    ) -> JSONValue {
        let original = letter.original
        return .object(
            of: [
                ("letter", self.summary(summary)), ("advice", .string(letter.reason.advice)), ("faults", faults(letter.faults)),
                (
                    "handling",
                    .object(of: [
                        ("kind", .string(letter.handling.rawValue)), ("why", .string(letter.handlingSentence)),
                        ("needsCrmConsent", .bool(letter.reason.needsCRMConsent)), ("crmWasTold", .text(letter.crmWasTold?.rawValue)),
                    ])
                ),
                (
                    "original",
                    .object(of: [
                        ("exchange", .string(original.exchange)), ("routingKey", .string(original.routingKey)),
                        ("redelivered", .bool(original.redelivered)),
                        ("messageId", .text(original.messageID)), ("type", .text(original.type)),
                        ("contentType", .text(original.contentType)),
                        ("correlationId", .text(original.correlationID)), ("replyTo", .text(original.replyTo)),
                        (
                            "headers",
                            .array(original.headers.map { .object(of: [("name", .string($0.name)), ("value", .string($0.text))]) })
                        ),
                        ("bytes", .integer(Int64(original.originalByteCount))), ("isJson", .bool(json != nil)),
                        ("editable", .bool(LetterEdit.whyNot(letter) == nil)), ("notEditable", .text(LetterEdit.whyNot(letter))),
                        ("body", .string(json.map(\.pretty) ?? String(decoding: original.redactedBody, as: UTF8.self))),
                    ])
                ),
                (
                    "worker",
                    .object(of: [
                        ("id", .string(letter.worker.id)), ("host", .string(letter.worker.host)),
                        ("version", .string(letter.worker.version)),
                        ("mapping", .text(letter.worker.mapping)),
                    ])
                ),
                ("trace", .text(summary.trace.map { $0.description.filter { $0 != "-" } })),
                ("history", .array(LetterHistory(summary, letter, history).entries.map { entry($0, original: json) })),
                ("forecast", self.forecast(forecast, at: letter.stage)),
                ("suggestions", self.suggestions(suggestions)),
            ] + more)
    }

    static func suggestions(_ suggestions: [Suggestion]) -> JSONValue {
        .array(suggestions.map { .object(of: [("title", .string($0.title)), ("why", .string($0.why)), ("patch", $0.patch.json)]) })
    }

    private static func entry(_ entry: LetterHistory.Entry, original: JSONValue?) -> JSONValue {
        switch entry {
        case .written(let at, let worker, let sentence):
            .object(of: [
                ("at", .integer(at.milliseconds)), ("by", .text(worker)), ("via", .string("worker")), ("action", .string("written")),
                ("sentence", .string(sentence)),
            ])
        case .record(let record): self.record(record, original: original)
        }
    }

    private static func record(_ record: LetterRecord, original: JSONValue?) -> JSONValue {
        var changes: [JSONDifference] = []
        var run: UUID5?
        switch record.act {
        case .selected(_, let id, let plan):
            run = id
            if case .patch(let patch)? = plan.correction {
                let before = original ?? .null
                do throws(JSONPatchError) { changes = JSONDifference.between(before, try patch.applied(to: before)) } catch { changes = [] }
            }
        case .replayed(_, let id): run = id
        case .resolved(_, .processed(_, let id)): run = id
        default: break
        }
        return .object(of: [
            ("at", .integer(record.at.milliseconds)), ("by", .string(record.by.name)), ("via", .string(record.by.means.rawValue)),
            ("action", .string(record.act.word)), ("sentence", .string(record.sentence)), ("note", .text(record.note)),
            ("run", .text(run?.description)),
            ("differences", changes.isEmpty ? nil : differences(changes)),
        ])
    }

    package static func faults(_ faults: [FieldError]) -> JSONValue {
        .array(faults.map { .object(of: [("path", .string($0.path)), ("message", .string($0.message))]) })
    }

    package static func differences(_ differences: [JSONDifference]) -> JSONValue {
        .array(
            differences.map { difference in
                let path = ("path", JSONValue.string(difference.path.description) as JSONValue?)
                return switch difference.change {
                case .added(let after): .object(of: [path, ("kind", .string("added")), ("after", after)])
                case .removed(let before): .object(of: [path, ("kind", .string("removed")), ("before", before)])
                case .changed(let before, let after):
                    .object(of: [path, ("kind", .string("changed")), ("before", before), ("after", after)])
                }
            })
    }

    package static func forecast(_ forecast: Forecast, at stage: Stage) -> JSONValue {
        .object(of: [
            ("onlySkips", .bool(DryRun.onlySkips(forecast, at: stage))),
            ("verdict", .string(forecast.verdict.rawValue)), ("sentence", .string(forecast.sentence)), ("rule", .text(forecast.rule)),
            ("steps", steps(forecast.steps)), ("faults", faults(forecast.faults)),
        ])
    }

    package static func steps(_ steps: [DeclineMapping.Step]) -> JSONValue {
        .array(
            steps.map { step in
                .object(of: [
                    ("asked", .string(step.authority.rawValue)), ("says", .text(step.says?.declineClass.rawValue)),
                    ("why", .text(step.why)),
                    ("decides", .bool(step.decides)),
                ])
            })
    }
}

extension LetterRecord.Resolution {
    /// What came of it, in a word or two.
    package var text: String {
        switch self {
        case .processed(let what, _): what
        case .reconciled(let kind): "reconciled: \(kind.rawValue)"
        case .byHand: "by hand"
        case .mended(let reference): "the CRM sent it again: \(reference)"
        }
    }
}
