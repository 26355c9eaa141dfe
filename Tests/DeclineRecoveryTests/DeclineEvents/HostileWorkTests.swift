import TestSupport
import Testing

@testable import DeclineRecovery

/// The work for a message grows as the message, whatever it is made of: eight times the bytes are not sixty-four times the work.
@Suite(.serialized) struct HostileWorkTests {
    @Test(arguments: [
        "4000 0027 6000 3184 ", "4 ", "%25", "&#x34;", "\\u0034", "NDAwMDAwMjc2MDAwMzE4", "cvv=", "\"token\":", "token:\"", "\"cvv\":[",
        ";4000000000000", "<cvv ", "\u{FF14}", "NDAw\n",
        "04000002760003184", "00004000002760003184 ", "00000000", "34 30 ", "5A08",
        "\"", "a:1 ", "[", "d35290d5-7668-4229-9233-7e43165233dc ",
    ])
    func theGuardsWorkGrowsAsTheText(piece: String) {
        func time(_ bytes: Int) -> Int64 {
            let body = Array(String(repeating: piece, count: bytes / piece.utf8.count).utf8)
            return (0..<2).map { _ in threadTime { _ = CardDataGuard.redacted(body) } }.min()!
        }
        let few = time(4_096)
        let many = time(32_768)
        // A busy machine may double what it likes; a square would not pass.
        #expect(many < few * 40 + 20_000_000, "\(few) ns for 4 KB, \(many) for 32 KB")
    }

    @Test func theReadersWorkGrowsAsTheText() {
        func time(_ count: Int) -> Int64 {
            let body = Array(
                "{\"\(String(repeating: "n", count: count * 10))\":[\(Array(repeating: "4000002760003184", count: count).joined(separator: ","))]}"
                    .utf8)
            return (0..<2).map { _ in threadTime { _ = CRMMessage.decode(body) } }.min()!
        }
        let few = time(100)
        let many = time(800)
        #expect(many < few * 40 + 20_000_000, "\(few) ns for a hundred card numbers under a long name, \(many) for eight hundred")
    }
}
