import DeclineRecovery

/// Facts are numbered anew in a roll-up, without those that nothing is counted by any more.
struct FactNumbering {
    /// In their new order.
    let used: [Int32]
    /// By their number in the book; -1 for those left out.
    let new: [Int32]
}

extension MoneyBook {
    struct Cell {
        let day: Int32
        let number: Int32
        let sums: MoneySums
    }

    var cells: some Sequence<Cell> {
        days.lazy.flatMap { day, cells in
            cells.lazy.filter { $0.value != MoneySums() }.map { Cell(day: day, number: $0.key, sums: $0.value) }
        }
    }

    var numbering: FactNumbering {
        var new = [Int32](repeating: -1, count: facts.count)
        var used: [Int32] = []
        func use(_ number: Int32) {
            if new[Int(number)] >= 0 { return }
            new[Int(number)] = Int32(used.count)
            used.append(number)
        }
        for cell in cells { use(cell.number) }
        for entry in cases.values { use(entry.facts) }
        for ends in ends.values { for end in ends.values where !end.isOfUnheard { use(end.facts) } }
        for sale in sales.values { use(sale.facts) }
        return FactNumbering(used: used, new: new)
    }

    func packScalars(into writer: inout RollupWriter) {
        writer.optional(since?.milliseconds)
        writer.optional(until?.milliseconds)
        writer.flag(isWhole)
        writer.signed(Int64(newestDay))
    }

    mutating func unpackScalars(_ reader: inout RollupReader) {
        since = reader.optional().map(Moment.init(milliseconds:))
        until = reader.optional().map(Moment.init(milliseconds:))
        isWhole = reader.flag()
        newestDay = reader.short()
    }

    /// Those of a day stand one behind the other, and are put away together.
    mutating func unpackCells(_ count: Int, _ reader: inout RollupReader) {
        var (day, cells): (Int32, [Int32: MoneySums]) = (0, [:])
        for left in stride(from: count, to: 0, by: -1) {
            if reader.isBroken { return }
            let (next, number) = (reader.short(), reader.short())
            if left == count || next != day {
                if !cells.isEmpty { days[day] = cells }
                (day, cells) = (next, days[next] ?? [:])
            }
            guard facts.indices.contains(Int(number)) else { return reader.breakOff() }
            cells[number] = MoneySums(&reader)
        }
        if !cells.isEmpty { days[day] = cells }
    }

    mutating func unpackCase(_ reader: inout RollupReader) {
        let key = reader.fixed(UInt64.self)
        let entry = Case(&reader)
        if facts.indices.contains(Int(entry.facts)) { cases[key] = entry } else { reader.breakOff() }
    }

    mutating func unpackEnd(_ reader: inout RollupReader, of day: Int32) {
        let key = reader.fixed(UInt64.self)
        let end = End(&reader)
        if end.isOfUnheard || facts.indices.contains(Int(end.facts)) { ends[day, default: [:]][key] = end } else { reader.breakOff() }
    }

    mutating func unpackSale(_ reader: inout RollupReader) {
        let key = reader.fixed(UInt64.self)
        let sale = Sale(&reader)
        if facts.indices.contains(Int(sale.facts)) { sales[key] = sale } else { reader.breakOff() }
    }
}

extension MoneyBook.Case {
    func pack(into writer: inout RollupWriter, _ numbering: FactNumbering) {
        writer.signed(Int64(numbering.new[Int(facts)]))
        writer.signed(Int64(day))
        writer.signed(units)
        writer.signed(declinedAt.milliseconds)
        writer.fixed(course.rawValue)
    }

    init(_ reader: inout RollupReader) {
        facts = reader.short()
        day = reader.short()
        units = reader.signed()
        declinedAt = Moment(milliseconds: reader.signed())
        if let course = MoneyBook.Course(rawValue: reader.fixed()) {
            self.course = course
        } else {
            course = .open
            reader.breakOff()
        }
    }
}

extension MoneyBook.End {
    func pack(into writer: inout RollupWriter, _ numbering: FactNumbering) {
        writer.signed(isOfUnheard ? -1 : Int64(numbering.new[Int(facts)]))
        writer.signed(Int64(day))
        writer.signed(units)
    }

    init(_ reader: inout RollupReader) {
        facts = reader.short()
        day = reader.short()
        units = reader.signed()
    }
}

extension MoneyBook.Sale {
    func pack(into writer: inout RollupWriter, _ numbering: FactNumbering) {
        writer.signed(Int64(numbering.new[Int(facts)]))
        writer.signed(Int64(day))
        writer.optional(left)
    }

    init(_ reader: inout RollupReader) {
        facts = reader.short()
        day = reader.short()
        left = reader.optional()
    }
}

extension MoneyFacts {
    func pack(into writer: inout RollupWriter) {
        for text in [merchantID?.text, gatewayID?.text, declinedGatewayID?.text, code, rule, brand, campaign] { writer.text(text) }
        writer.text(trigger.rawValue)
        writer.flag(isRetry)
        writer.text(currency?.code)
        writer.text(why)
    }

    init?(_ reader: inout RollupReader) {
        merchantID = reader.text().map(MerchantID.init(_:))
        gatewayID = reader.text().map(GatewayID.init(_:))
        declinedGatewayID = reader.text().map(GatewayID.init(_:))
        code = reader.text()
        rule = reader.text()
        brand = reader.text()
        campaign = reader.text()
        guard let trigger = reader.word(TriggerWord.init(rawValue:)) else { return nil }
        self.trigger = trigger
        isRetry = reader.flag()
        if let code = reader.text() {
            guard let known = Currency(code) else { return nil }
            currency = known
        }
        why = reader.text()
    }
}

extension MoneySums {
    func pack(into writer: inout RollupWriter) {
        for part in [declines, offered, notOffered, ended, recovered, sales, refunded, chargedBack] {
            writer.signed(Int64(part.count))
            writer.signed(part.units)
        }
        writer.signed(Int64(unpriced))
        writer.count(times.counts.count)
        for count in times.counts { writer.number(UInt64(count)) }
    }

    init(_ reader: inout RollupReader) {
        self.init()
        for part in [\MoneySums.declines, \.offered, \.notOffered, \.ended, \.recovered, \.sales, \.refunded, \.chargedBack] {
            self[keyPath: part] = Part(count: Int(reader.signed()), units: reader.signed())
        }
        unpriced = Int(reader.signed())
        let steps = reader.count()
        guard steps <= 64, let times = RecoveryTimes(counts: (0..<steps).map { _ in UInt32(truncatingIfNeeded: reader.number()) }) else {
            reader.breakOff()
            return
        }
        self.times = times
    }
}
