import ArgumentParser
import DeclineRecovery
import JSON
import Service

/// How the mapping decides a file of declines, row by row and in figures.
struct CorpusReport {
    let file: String
    let orderType: OrderType
    let merchant: Merchant
    let asJSON: Bool

    func show() throws {
        guard let bytes = WholeFile.bytes(of: file) else {
            throw Failure("\(file): \(WholeFile.fault(of: file)).")
        }
        let corpus: DeclineCorpus
        do throws(DeclineCorpus.Fault) {
            corpus = try DeclineCorpus(csv: bytes)
        } catch {
            throw Failure("\(file): \(error)")
        }
        let decisions = corpus.decisions(merchant: merchant, orderType: orderType)
        let bySource = Dictionary(grouping: decisions) { DeclineTables.builtIn.table(of: $0.row.source)?.source ?? $0.row.source }
            .map { (name: $0.key, rows: $0.value.count, figures: DeclineCorpus.Figures($0.value)) }
            .sorted { ($1.rows, $0.name) < ($0.rows, $1.name) }
        if asJSON { return showJSON(decisions, bySource) }
        Terminal.table(
            ["line", "source", "code", "class", "rule", "confidence", "said", "plain", "text"],
            decisions.map { decision in
                [
                    String(decision.row.line), decision.row.source, decision.row.code, decision.told, decision.says.rule,
                    decision.says.confidence.rawValue,
                    decision.row.said, decision.row.plain, String(decision.row.text.prefix(60)),
                ]
            },
            colour: { decisions[$0].says.isUnknown ? .red : decisions[$0].says.declineClass == .soft ? .green : nil })
        Terminal.show()
        let overall = DeclineCorpus.Figures(decisions)
        Terminal.table(
            ["source", "rows", "unknown", "said soft, told hard", "said hard, told soft", "plainly soft, told hard", "... by their text"],
            ([("all", decisions.count, overall)] + bySource.map { ($0.name, $0.rows, $0.figures) }).map { name, rows, figures in
                [name, String(rows)]
                    + [
                        figures.unknown, figures.saidSoftToldHard, figures.saidHardToldSoft, figures.plainSoftToldHard,
                        figures.plainSoftTextToldHard,
                    ].map(words)
            })
    }

    private func words(_ share: DeclineCorpus.Share) -> String {
        share.of == 0 ? "-" : "\(share.count) of \(share.of), \(Self.rounded(share.percent)) %"
    }

    private static func rounded(_ percent: Double) -> String {
        let tenths = Int((percent * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private func showJSON(_ decisions: [DeclineCorpus.Decision], _ bySource: [(name: String, rows: Int, figures: DeclineCorpus.Figures)]) {
        var text = JSONWriter()
        text.object { object in
            object.array("rows") { list in
                for decision in decisions {
                    list.object { entry in
                        entry.member("line", Int64(decision.row.line))
                        entry.member("source", decision.row.source)
                        entry.member("code", decision.row.code)
                        entry.member("text", decision.row.text)
                        entry.member("class", decision.told)
                        entry.optional("category", decision.says.category?.rawValue)
                        entry.member("confidence", decision.says.confidence.rawValue)
                        entry.member("rule", decision.says.rule)
                        entry.member("why", decision.says.sentence)
                        entry.member("unknown", decision.says.isUnknown)
                        entry.member("insufficientFunds", decision.says.isInsufficientFunds)
                        if decision.says.isOutcomeUnknown { entry.member("skip", SkipReason.firstChargeUnknown.rawValue) }
                        entry.member("said", decision.row.said)
                        entry.member("plain", decision.row.plain)
                    }
                }
            }
            object.object("figures") { write(DeclineCorpus.Figures(decisions), rows: decisions.count, to: &$0) }
            object.object("sources") { sources in
                for source in bySource { sources.object(named: source.name) { write(source.figures, rows: source.rows, to: &$0) } }
            }
        }
        Terminal.show(bytes: text.bytes)
    }

    private func write(_ figures: DeclineCorpus.Figures, rows: Int, to object: inout JSONObjectWriter) {
        object.member("rows", Int64(rows))
        for (name, share) in figures.all {
            object.object(named: name) { entry in
                entry.member("count", Int64(share.count))
                entry.member("of", Int64(share.of))
                entry.member("percent", Self.rounded(share.percent))
            }
        }
    }
}
