package import DeclineRecovery
package import JSON

extension MoneyReport {
    /// - Parameters:
    ///   - since: of the oldest record that was read, or rolled up.
    ///   - until: of the newest.
    ///   - isComplete: whether all of the journal's records of the time are in it.
    ///   - limit: of rows; how many there are is told.
    package func json(from since: Moment?, asOf until: Moment?, isComplete: Bool = true, limit: Int = .max) -> JSONValue {
        .object(of: [
            ("from", .string(Self.text(ofDay: question.from))), ("through", .string(Self.text(ofDay: question.through))),
            ("by", .array(question.groups.map { .string($0.rawValue) })),
            ("merchant", .text(question.merchant?.text)), ("gateway", .text(question.gateway?.text)),
            ("currency", .text(question.currency)), ("oldestRecord", since.map { .integer($0.milliseconds) }),
            ("newestRecord", until.map { .integer($0.milliseconds) }),
            ("complete", .bool(isComplete)), ("rowCount", .integer(Int64(rows.count))), ("rows", .array(rows.prefix(limit).map(row))),
            ("totals", .array(totals.map(row))),
            ("notOffered", .array(reasons.map(Self.reason))), ("unknownCodes", .array(unknownCodes.prefix(limit).map(Self.code))),
            (
                "unknownEstimates",
                .array(
                    Set(unknownCodes.map(\.currency)).sorted().compactMap { currency in
                        estimate(ofUnknown: currency).map {
                            .object(of: [("currency", .string(currency)), ("minorUnits", .integer($0))])
                        }
                    })
            ),
            ("fees", .bool(hasFees)), ("feeNote", .text(feeNote)),
            ("withoutFee", .array(withoutFee.map(Self.seller))),
            ("figures", .object(of: MoneyFigure.allCases.map { ($0.rawValue, .string($0.meaning)) })),
        ])
    }

    /// Why rows lack fee and gain, for a person; `nil` where none does for that.
    package var feeNote: String? {
        if !hasFees { return "Fee and gain are not known: the configuration names no fee of FlexFactor (`fee` of a FlexFactor gateway)." }
        if withoutFee.isEmpty { return nil }
        let named = withoutFee.prefix(5).map { $0.gateway.isEmpty ? "one that is not known" : "\($0.merchant) \($0.gateway)" }
        let more = withoutFee.count > named.count ? " and \(withoutFee.count - named.count) more" : ""
        return "The configuration names no fee of FlexFactor gateway \(named.joined(separator: ", "))\(more): "
            + "rows with sales of it have no fee and no gain."
    }

    private func row(_ row: Row) -> JSONValue {
        let sums = row.sums
        return .object(
            of: zip(question.groups, row.keys).map { ($0.rawValue, JSONValue.string($1)) } + [
                ("currency", row.currency.isEmpty ? .null : .string(row.currency)), ("declines", Self.part(sums.declines)),
                ("offered", Self.part(sums.offered)), ("not_offered", Self.part(sums.notOffered)), ("open", Self.part(sums.open)),
                ("recovered", Self.part(sums.recovered)), ("sales", .integer(Int64(sums.sales.count))),
                ("gross", .integer(sums.sales.units)), ("unpriced", .integer(Int64(sums.unpriced))),
                ("refunded", Self.part(sums.refunded)), ("charged_back", Self.part(sums.chargedBack)), ("net", .integer(sums.net)),
                ("fee", row.fee.map { .integer($0) }), ("gain", row.gain.map { .integer($0) }),
                ("half_within", sums.times.seconds(ofHundred: 50).map { .integer($0) }),
                ("nine_of_ten_within", sums.times.seconds(ofHundred: 90).map { .integer($0) }),
            ])
    }

    private static func part(_ part: MoneySums.Part) -> JSONValue {
        .object(of: [("count", .integer(Int64(part.count))), ("minorUnits", .integer(part.units))])
    }

    private static func reason(_ reason: Reason) -> JSONValue {
        .object(of: [
            ("reason", .string(reason.word)), ("sentence", .string(reason.sentence)),
            ("currency", reason.currency.isEmpty ? .null : .string(reason.currency)),
            ("count", .integer(Int64(reason.part.count))), ("minorUnits", .integer(reason.part.units)),
        ])
    }

    private static func seller(_ seller: SellingGateway) -> JSONValue {
        .object(of: [("merchant", .string(seller.merchant)), ("gateway", .string(seller.gateway))])
    }

    private static func code(_ code: Reason) -> JSONValue {
        .object(of: [
            ("code", .string(code.word)), ("currency", code.currency.isEmpty ? .null : .string(code.currency)),
            ("count", .integer(Int64(code.part.count))), ("minorUnits", .integer(code.part.units)),
        ])
    }

    /// A line for each row, RFC 4180, amounts as exact decimals; without groups one for each currency.
    package var csv: String {
        let heading =
            question.groups.map { $0.rawValue.replacing("-", with: "_") } + [
                "currency", "declines", "declines_amount", "offered", "offered_amount", "not_offered", "not_offered_amount", "open",
                "open_amount", "recovered", "recovered_amount", "sales", "gross", "sales_without_amount", "refunds", "refunded",
                "chargebacks", "charged_back", "net", "half_within_seconds", "nine_of_ten_within_seconds", "fee", "gain",
            ]
        var text = heading.joined(separator: ",") + "\r\n"
        for row in rows {
            let (sums, currency) = (row.sums, row.currency)
            func cells(_ part: MoneySums.Part) -> [String] { [String(part.count), Money.decimal(part.units, currency)] }
            let counted = [sums.declines, sums.offered, sums.notOffered, sums.open, sums.recovered, sums.sales].flatMap(cells)
            let line =
                row.keys.map(CSV.cell) + [currency] + counted + [String(sums.unpriced)] + cells(sums.refunded) + cells(sums.chargedBack)
                + [Money.decimal(sums.net, currency)]
                + [50, 90].map { sums.times.seconds(ofHundred: $0).map { String($0) } ?? "" }
            let fees = [row.fee, row.gain].map { units in units.map { Money.decimal($0, currency) } ?? "" }
            text += (line + fees).joined(separator: ",") + "\r\n"
        }
        return text
    }
}
