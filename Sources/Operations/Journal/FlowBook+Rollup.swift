import DeclineRecovery

extension FlowBook {
    /// What pages show beside the money, and how much of the rest there is.
    func packFlow(into writer: inout RollupWriter) {
        for count in counts { writer.count(count) }
        money.packScalars(into: &writer)
        writer.signed(oldestKept)
        writer.count(minutes.count)
        for (minute, content) in minutes {
            writer.signed(minute)
            writer.count(content.counts.count)
            for (stage, fates) in content.counts {
                writer.text(stage.rawValue)
                writer.count(fates.count)
                for (fate, count) in fates {
                    writer.text(fate.word)
                    writer.count(count)
                }
            }
        }
        writer.count(lastWork.count)
        for (stage, moment) in lastWork {
            writer.text(stage.rawValue)
            writer.signed(moment.milliseconds)
        }
    }

    /// Of what each section holds: what was written must have been read.
    var counts: [Int] {
        [
            money.cases.count, money.sales.count, money.returns.count, money.ends.values.reduce(0) { $0 + $1.count }, open.count,
        ]
    }

    /// Growing step by step would copy everything again and again. No part holds more than some ten thousand records: what says that it has
    /// more makes no sense, and must not take the memory.
    mutating func reserve(_ counts: [Int], parts: Int) {
        let most = min((parts + 1) * 16_384, 500_000_000)
        guard counts.count == 5, counts.allSatisfy({ $0 <= most }) else { return }
        money.cases.reserveCapacity(counts[0])
        money.sales.reserveCapacity(counts[1])
        money.returns.reserveCapacity(counts[2])
        open.reserveCapacity(counts[4])
    }

    /// - Returns: the counts that the whole will have.
    mutating func unpackFlow(_ reader: inout RollupReader) -> [Int] {
        let counts = (0..<5).map { _ in reader.count() }
        money.unpackScalars(&reader)
        oldestKept = reader.signed()
        each(&reader) { book, reader in
            let minute = reader.signed()
            var content = Minute()
            let stages = reader.count()
            for _ in 0..<stages where !reader.isBroken {
                guard let stage = reader.word(Stage.init(rawValue:)) else { return }
                let fates = reader.count()
                for _ in 0..<fates where !reader.isBroken {
                    content.counts[stage, default: [:]][JournalRecord.Fate(reader.text() ?? "")] = reader.count()
                }
            }
            book.minutes[minute] = content
        }
        each(&reader) { book, reader in
            guard let stage = reader.word(Stage.init(rawValue:)) else { return }
            book.lastWork[stage] = Moment(milliseconds: reader.signed())
        }
        return counts
    }

    private mutating func each(_ reader: inout RollupReader, _ body: (inout FlowBook, inout RollupReader) -> Void) {
        let count = reader.count()
        for _ in 0..<count {
            if reader.isBroken { return }
            body(&self, &reader)
        }
    }
}

extension FlowBook.Open {
    func pack(into writer: inout RollupWriter) {
        writer.text(reference.text)
        writer.text(merchantID?.text)
        writer.signed(day)
        writer.text(phase)
        writer.optional(until?.milliseconds)
        writer.optional(unknownSince?.milliseconds)
    }

    init?(_ reader: inout RollupReader) {
        guard let reference = reader.word({ RecoveryReference($0) }) else { return nil }
        self.init(reference: reference, merchantID: reader.text().map(MerchantID.init(_:)), day: reader.signed())
        phase = reader.text() ?? ""
        until = reader.optional().map(Moment.init(milliseconds:))
        unknownSince = reader.optional().map(Moment.init(milliseconds:))
    }
}
