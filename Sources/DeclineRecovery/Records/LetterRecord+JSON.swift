import JSON

extension LetterRecord {
    /// The message body (schemas/dead-letter-record.v1.schema.json).
    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: id.description, type: Self.type, time: at, reserving: 256 + 40 * act.letters.count) { data in
            data.member("act", act.word)
            data.object("by") { json in
                json.member("name", CardDataGuard.redacted(by.name))
                json.member("means", by.means.rawValue)
            }
            // People's words: refused where they are written, and looked at once more before they are kept for a year.
            data.optional("note", note.map { CardDataGuard.redacted($0) })
            data.optional("job", job?.description)
            if !act.letters.isEmpty {
                data.array("letters") { list in
                    for letter in act.letters { list.element(letter.description) }
                }
            }
            switch act {
            case .selected(_, let run, let plan):
                data.member("run", run.description)
                data.object("plan") { json in
                    switch plan.correction {
                    case .patch(let patch)?: json.member("patch", patch.json)
                    case .rerun?: json.member("rerun", true)
                    case nil: break
                    }
                    json.member("canary", plan.isCanary)
                    json.member("rate", Int64(plan.rate))
                    json.member("crmConsent", plan.consent.ofCRM)
                    json.member("acceptSkips", plan.consent.toSkips)
                    json.member("total", Int64(plan.total))
                }
            case .replayed(_, let run): data.member("run", run.description)
            case .resolved(_, .processed(let what, let run)):
                data.member("run", run.description)
                data.member("how", "processed")
                data.member("outcome", what)
            case .resolved(_, .reconciled(let kind)):
                data.member("how", "reconciled")
                data.member("outcome", kind.rawValue)
            case .resolved(_, .byHand): data.member("how", "by_hand")
            case .resolved(_, .mended(let reference)):
                data.member("how", "mended")
                data.member("outcome", reference)
            case .lookedUp(_, let found): data.member("found", found)
            case .runEnded(let run, let end, let why):
                data.member("run", run.description)
                data.member("end", end.rawValue)
                data.member("why", why)
            case .discarded, .restored: break
            }
        }
    }

    package static func decode(_ bytes: [UInt8]) -> Result<LetterRecord, EnvelopeFault> {
        do throws(EnvelopeFault) {
            return .success(try read(CloudEvent.reader(of: bytes, type: type, limits: JSONLimits(bytes: 8 << 20, depth: 64))))
        } catch {
            return .failure(error)
        }
    }

    private static func read(_ event: EnvelopeReader) throws(EnvelopeFault) -> LetterRecord {
        let data = try event.object("data")
        let by = try data.object("by")
        return LetterRecord(
            id: try event.id("id"), at: try event.time("time"), by: Operator(name: try by.text("name"), means: try by.word("means")),
            note: try data.optionalText("note"), job: try data.optionalText("job").flatMap { UUID5($0) }, act: try readAct(data))
    }

    private static func readAct(_ data: EnvelopeReader) throws(EnvelopeFault) -> Act {
        let letters = try data.elements("letters").map { (element) throws(EnvelopeFault) in
            guard let id = element.string.flatMap({ UUID5($0) }) else { throw data.fault("letters", "UUIDs") }
            return id
        }
        switch try data.text("act") {
        case "selected":
            let plan = try data.object("plan")
            let rate = try plan.count("rate")
            guard (1...1_000).contains(rate) else { throw plan.fault("rate", "1...1000 messages per second") }
            var correction: LetterCorrection?
            if let value = plan.value("patch") {
                do throws(JSONPatchError) { correction = .patch(try JSONPatch(value)) } catch { throw plan.fault("patch", "a JSON Patch") }
            } else if try plan.optionalFlag("rerun") ?? false {
                correction = .rerun
            }
            return .selected(
                letters, run: try data.id("run"),
                ReplayPlan(
                    correction: correction, isCanary: try plan.flag("canary"), rate: rate,
                    // Records of before it could be accepted do not say.
                    consent: ReplayConsent(ofCRM: try plan.flag("crmConsent"), toSkips: try plan.optionalFlag("acceptSkips") ?? false),
                    total: try plan.count("total")))
        case "replayed": return .replayed(letters, run: try data.id("run"))
        case "resolved":
            switch try data.text("how") {
            case "processed": return .resolved(letters, .processed(try data.text("outcome"), run: try data.id("run")))
            case "reconciled": return .resolved(letters, .reconciled(try data.word("outcome")))
            case "by_hand": return .resolved(letters, .byHand)
            case "mended": return .resolved(letters, .mended(try data.text("outcome")))
            default: throw data.fault("how", "processed, reconciled, by_hand or mended")
            }
        case "discarded": return .discarded(letters)
        case "restored": return .restored(letters)
        case "looked_up": return .lookedUp(letters, found: try data.text("found"))
        case "run_ended": return .runEnded(try data.id("run"), try data.word("end"), why: try data.text("why"))
        default: throw data.fault("act", "an act that this version knows")
        }
    }
}
