import Foundation
import TestSupport
package import Testing

/// The two promises: every decline has exactly one final result, nobody is charged twice, and success is told exactly where money was taken.
///
/// - Returns: how many were approved.
@discardableResult
package func expectTheTruth(_ crm: CRM, _ fleet: Fleet, declines: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws
    -> Int
{
    let finals = crm.finals
    #expect(finals.count == declines, sourceLocation: sourceLocation)
    #expect(
        finals.values.allSatisfy { $0.count == 1 }, "contradictions: \(finals.filter { $0.value.count > 1 })",
        sourceLocation: sourceLocation)
    let charges = try await fleet.ledger().filter { $0.kind == "charge" || $0.kind == "capture" }
    let charged = Dictionary(grouping: charges, by: \.externalOrderId)
    #expect(
        charged.values.allSatisfy { $0.count == 1 }, "charged twice: \(charged.filter { $0.value.count > 1 }.keys)",
        sourceLocation: sourceLocation)
    let approved = Set(crm.results.filter { $0.kind == "approved" }.map(\.reference))
    let isTrue = approved == Set(charged.keys)
    #expect(isTrue, "told otherwise than charged: \(approved.symmetricDifference(charged.keys))", sourceLocation: sourceLocation)
    // What the journal comes to is what was taken, to the cent. It is published beside the results, and may be a moment behind them.
    let taken = Sums(sales: charged.count, gross: charges.reduce(0) { $0 + $1.amount })
    var told = Sums(sales: 0, gross: 0)
    try? await eventually("the report says what was taken") {
        let report = try await fleet.salvage("report", "--days", "3", "--json")
        told = try JSONDecoder().decode(Report.self, from: Data(report.output.utf8)).totals.reduce(Sums(sales: 0, gross: 0), +)
        return told == taken
    }
    #expect(told == taken, sourceLocation: sourceLocation)
    return approved.count
}

private struct Sums: Decodable, Equatable {
    let sales: Int
    let gross: Int

    static func + (one: Sums, other: Sums) -> Sums { Sums(sales: one.sales + other.sales, gross: one.gross + other.gross) }
}

private struct Report: Decodable {
    let totals: [Sums]
}
