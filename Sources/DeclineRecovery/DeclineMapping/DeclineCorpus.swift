/// A file of declines that somebody has an opinion about, to measure the mapping against (`salvage classify --corpus`).
package struct DeclineCorpus: Sendable {
    package let rows: [Row]

    package struct Row: Sendable, Equatable {
        /// The line of the file, from 1.
        package let line: Int
        package let source: String
        package let code: String
        package let text: String
        package let networkCode: String
        package let advice: String
        /// What the source itself says of trying again: soft, hard, correct-data, config; empty where it says nothing.
        package let said: String
        /// What the text plainly means: as above.
        package let plain: String
    }

    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package let line: Int
        package let what: String

        package var description: String { "line \(line): \(what)" }
    }

    /// Comma-separated values with a head; at least `source`, `code` and `text`, in any order. A dash or nothing is no code.
    package init(csv bytes: [UInt8]) throws(Fault) {
        var lines = try Self.records(bytes)
        if lines.isEmpty { throw Fault(line: 1, what: "the file is empty; expected a head with source, code and text") }
        let head = lines.removeFirst().fields
        func column(_ name: String) -> Int? { head.firstIndex(of: name) }
        guard let source = column("source"), let code = column("code"), let text = column("text") else {
            throw Fault(line: 1, what: "expected a head with at least source, code and text")
        }
        let (network, advice, said, plain) = (column("network_code"), column("advice"), column("said_class"), column("plain"))
        var rows: [Row] = []
        for (line, fields) in lines {
            guard fields.count == head.count else { throw Fault(line: line, what: "expected \(head.count) fields, found \(fields.count)") }
            func field(_ index: Int?) -> String { index.map { fields[$0] } ?? "" }
            let given = field(code)
            rows.append(
                Row(
                    line: line, source: field(source), code: given == "-" ? "" : given, text: field(text), networkCode: field(network),
                    advice: field(advice),
                    said: field(said), plain: field(plain)))
        }
        self.rows = rows
    }

    private static func records(_ bytes: [UInt8]) throws(Fault) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var line = 1
        var startsAt = 1
        var isQuoted = false
        var hasContent = false
        func endField() {
            fields.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
        }
        func endRecord() {
            if hasContent || !field.isEmpty {
                endField()
                records.append((startsAt, fields))
            }
            fields = []
            hasContent = false
        }
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == 0x0A { line += 1 }
            if isQuoted {
                if byte != 0x22 {
                    field.append(byte)
                } else if at < bytes.count, bytes[at] == 0x22 {
                    field.append(byte)
                    at += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case 0x22:
                isQuoted = true
                hasContent = true
            case 0x2C:
                endField()
                hasContent = true
            case 0x0D: break
            case 0x0A:
                endRecord()
                startsAt = line
            default: field.append(byte)
            }
        }
        if isQuoted { throw Fault(line: startsAt, what: "a quoted field does not end") }
        endRecord()
        return records
    }

    // MARK: Measuring

    /// One row, and how it was decided.
    package struct Decision: Sendable {
        package let row: Row
        package let says: Classification
    }

    /// Each row as a first sale's decline, under a merchant's rules and policy.
    package func decisions(merchant: Merchant, orderType: OrderType = .newSale) -> [Decision] {
        rows.map { row in
            let decline = Decline(
                gatewayID: "", responseCodeSource: row.source, responseCode: row.code, responseText: row.text.isEmpty ? nil : row.text,
                merchantAdviceCode: row.advice.isEmpty ? nil : row.advice, networkCode: row.networkCode.isEmpty ? nil : row.networkCode,
                transactionID: "")
            return Decision(row: row, says: DeclineMapping.classify(DeclineCase(decline, orderType: orderType), merchant: merchant))
        }
    }

    /// How many of how many.
    package struct Share: Sendable, Equatable {
        package internal(set) var count = 0
        package internal(set) var of = 0

        package var percent: Double { of == 0 ? 0 : Double(count) * 100 / Double(of) }

        mutating func add(_ isCounted: Bool) {
            of += 1
            if isCounted { count += 1 }
        }
    }

    /// What the mapping is worth on a set of declines.
    package struct Figures: Sendable, Equatable {
        /// Decided by nobody but the policy for unknown declines.
        package private(set) var unknown = Share()
        /// The source itself says that it may be tried again, and we say hard: lost sales.
        package private(set) var saidSoftToldHard = Share()
        /// The source itself says never again, and we say soft: fees of the networks, and angry cardholders.
        package private(set) var saidHardToldSoft = Share()
        /// The text plainly means soft, and it was told hard; whatever the code, an advice or the source itself say.
        package private(set) var plainSoftToldHard = Share()
        /// The same where the text had the word: no specific code decided, the first charge is not in doubt, and the source does not say hard.
        package private(set) var plainSoftTextToldHard = Share()
        /// The first charge may stand.
        package private(set) var outcomeUnknown = Share()
        private(set) var byTextOnly = Share()
        package private(set) var withoutTable = Share()

        package init(_ decisions: some Sequence<Decision>) {
            for decision in decisions {
                let (row, says) = (decision.row, decision.says)
                let isHard = says.declineClass == .hard
                unknown.add(says.isUnknown)
                outcomeUnknown.add(says.isOutcomeUnknown)
                byTextOnly.add(says.isByTextOnly)
                withoutTable.add(says.hasNoTable)
                if row.said == "soft" { saidSoftToldHard.add(isHard) }
                if row.said == "hard" { saidHardToldSoft.add(!isHard) }
                if row.plain == "soft" {
                    plainSoftToldHard.add(isHard)
                    if row.said != "hard", !says.isOutcomeUnknown, !decision.isByCode { plainSoftTextToldHard.add(isHard) }
                }
            }
        }

        package var all: [(name: String, share: Share)] {
            [
                ("unknown", unknown), ("said_soft_told_hard", saidSoftToldHard), ("said_hard_told_soft", saidHardToldSoft),
                ("plain_soft_told_hard", plainSoftToldHard), ("plain_soft_text_told_hard", plainSoftTextToldHard),
                ("outcome_unknown", outcomeUnknown),
                ("by_text_only", byTextOnly), ("without_table", withoutTable),
            ]
        }
    }
}

extension DeclineCorpus.Decision {
    /// A code that says why it was declined had the word.
    var isByCode: Bool {
        switch says.reason {
        case .table(_, let row), .networkCode(_, let row): !row.isGeneric
        case .networkOrder(let order, _): order.source != "text"
        case .merchantRule, .crmClass: true
        case .text, .unknown: false
        }
    }

    /// The class in a word; what is no decline is rejected.
    package var told: String { says.isNoDecline ? "rejected" : says.declineClass.rawValue }
}
