import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Operations
import Service

struct MappingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mapping", abstract: "What the decline mapping did, and what another would do.", subcommands: [WhatIf.self, Gaps.self])

    /// How far back the journal is read.
    struct Since: ParsableArguments {
        @Option(help: "How far back to read the journal: 30d, 12h. It keeps 90 days.")
        var since = "30d"

        func validate() throws {
            if span == nil {
                throw ValidationError("--since: expected a number of days or hours up to 2160, such as 30d or 12h, found '\(since)'.")
            }
        }

        private var span: Moment.Span? { Moment.Span(since, units: "hd", counting: 1...2_160) }

        var moment: Moment { Moment(milliseconds: SystemClock().now().milliseconds - (span ?? .days(30)).milliseconds) }
    }

    struct WhatIf: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "whatif", abstract: "Ask the journal's declines again under another configuration: what would go another way?",
            discussion: "Reads the journal and changes nothing. Amounts are what those declines are worth, by currency.")

        @OptionGroup var broker: BrokerOptions
        @Option(help: ArgumentHelp("The configuration with the rules to try.", valueName: "file"))
        var config: String
        @OptionGroup var since: Since
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let merchants: [MerchantID: Merchant]
            do throws(ConfigurationError) {
                merchants = try SalvageConfiguration(file: config).merchants
            } catch {
                Terminal.complain(error.description)
                throw ExitCode.failure
            }
            let start = since.moment
            let replay = try await broker.withLink { link, settings in
                var replay = MappingReplay()
                for record in try await JournalReader.readDeclines(since: start, in: link.journal(settings.names)) {
                    replay.ask(record, again: merchants)
                }
                return replay
            }
            if json { return showJSON(replay) }
            let moved = replay.changes.reduce(0) { $0 + $1.count }
            Terminal.show("\(replay.asked) declines since \(start.rfc3339): \(moved) would go another way.")
            if replay.unanswerable > 0 {
                Terminal.show(
                    "\(replay.unanswerable) cannot be asked again: their merchant is not in \(config), or their text was not kept.")
            }
            if replay.changes.isEmpty { return }
            Terminal.table(
                ["declines", "source", "code", "was", "becomes", "by", "worth"],
                replay.changes.map { change in
                    [
                        String(change.count), change.source, change.code, change.was.rawValue, change.becomes.rawValue, change.rule,
                        change.amounts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key) minor units" }.joined(separator: ", "),
                    ]
                })
        }

        private func showJSON(_ replay: MappingReplay) {
            var text = JSONWriter()
            text.object { object in
                object.member("asked", Int64(replay.asked))
                object.member("unanswerable", Int64(replay.unanswerable))
                object.array("changes") { list in
                    for change in replay.changes {
                        list.object { entry in
                            entry.member("source", change.source)
                            entry.member("code", change.code)
                            entry.member("was", change.was.rawValue)
                            entry.member("becomes", change.becomes.rawValue)
                            entry.member("rule", change.rule)
                            entry.member("count", Int64(change.count))
                            entry.object("minorUnits") { amounts in
                                for (currency, units) in change.amounts.sorted(by: { $0.key < $1.key }) {
                                    amounts.member(named: currency, units)
                                }
                            }
                        }
                    }
                }
            }
            Terminal.show(bytes: text.bytes)
        }
    }

    struct Gaps: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the declines that nobody decided, or only their text, the most frequent first, each with a rule to paste.")

        @OptionGroup var broker: BrokerOptions
        @OptionGroup var since: Since
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let start = since.moment
            let replay = try await broker.withLink { link, settings in
                var replay = MappingReplay()
                for record in try await JournalReader.readDeclines(since: start, in: link.journal(settings.names)) { replay.note(record) }
                return replay
            }
            if json { return Terminal.show(bytes: replay.gapsJSON(since: start).bytes) }
            if replay.openGaps.isEmpty { return Terminal.show("Every decline since \(start.rfc3339) was decided by more than its text.") }
            Terminal.table(
                ["declines", "merchant", "source", "code", "decided by", "class", "text", "rule to paste"],
                replay.openGaps.map { gap in
                    [
                        String(gap.count), gap.merchantID?.text ?? "", gap.source, gap.code, gap.rule, gap.declineClass.rawValue,
                        gap.text ?? "", gap.ruleToPaste,
                    ]
                })
        }
    }
}
