import Foundation
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
    // What the journal comes to is what was taken, to the cent.
    let taken = charges.reduce(0) { $0 + $1.amount }
    let report = try await fleet.salvage("report", "--days", "3", "--json")
    let sums = try JSONDecoder().decode(Report.self, from: Data(report.output.utf8)).totals
    let told = sums.reduce(0) { $0 + $1.gross }
    #expect(told == taken, "the report says \(told), the ledger \(taken)", sourceLocation: sourceLocation)
    #expect(sums.reduce(0) { $0 + $1.sales } == charged.count, sourceLocation: sourceLocation)
    return approved.count
}

private struct Report: Decodable {
    struct Sums: Decodable {
        let sales: Int
        let gross: Int
    }

    let totals: [Sums]
}
