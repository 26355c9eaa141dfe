import CRabbitMQ
import Testing

@testable import Broker

@Suite struct RecurringTextsTests {
    /// Whatever is kept in their places, texts come out as they went in.
    @Test func everyTextIsItself() {
        var texts = RecurringTexts()
        for round in 0..<3 {
            for length in 0...80 {
                for number in 0..<20 {
                    let text = String("\(number).recovery.work.\(round)".prefix(length)) + String(repeating: "é", count: length / 2)
                    var copy = text
                    #expect(
                        copy.withUTF8 { texts.text(amqp_bytes_t(len: $0.count, bytes: UnsafeMutableRawPointer(mutating: $0.baseAddress))) }
                            == text)
                }
            }
        }
    }
}
