import TestSupport
import Testing

@testable import Broker

@Suite struct CorrelationIDTests {
    private static let marked = Array("not UTF-8: ".utf8)

    /// What a message has after it was sent and received.
    private func carried(_ id: String) -> String? {
        let scratch = Scratch()
        var texts = RecurringTexts()
        return withExtendedLifetime(scratch) {
            MessageProperties(MessageProperties(correlationID: id).encoded(in: scratch), &texts).correlationID
        }
    }

    @Test func itComesBackByteByByteWhateverItIs() {
        var random = SeededRandom(seed: 3)
        let chosen: [[UInt8]] = [
            [], [0], Array("c-1".utf8), Array("\u{FC}\u{20AC}".utf8), [0x4D, 0xFC, 0x6C], Array(repeating: 0xFF, count: 255), Self.marked,
            Self.marked + [0x61], Self.marked + Array("\u{20AC}".utf8), Self.marked + Self.marked, Self.marked + [0xFF],
        ]
        let uuids: [[UInt8]] = (0..<2_000).map { _ in (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) } }
        for bytes in chosen + uuids {
            let text = CorrelationID.text(of: bytes)
            #expect(CorrelationID.bytes(of: text) == bytes && CorrelationID.size(of: text) == bytes.count)
            #expect(carried(text) == text)
        }
    }

    @Test func whatIsUTF8StandsAsItIs() {
        for text in ["", "c-1", "\u{FC}\u{20AC}", "not UTF-8", "x not UTF-8: y"] {
            #expect(CorrelationID.text(of: Array(text.utf8)) == text)
        }
        #expect(CorrelationID.text(of: [0x4D, 0xFC, 0x6C]) == "not UTF-8: M\u{FC}l")
    }

    /// A mark that somebody wrote by hand, or behind which something was taken out.
    @Test func whatIsNoBytesBehindTheMarkIsSentAsItStands() {
        let text = "not UTF-8: \u{20AC}"
        #expect(CorrelationID.bytes(of: text) == Array(text.utf8) && CorrelationID.size(of: text) == 14)
    }

    @Test func itIsTooLongByItsBytes() {
        let bytes = [UInt8](repeating: 0xFE, count: 255)
        #expect(MessageProperties(correlationID: CorrelationID.text(of: bytes)).tooLong == nil)
        #expect(MessageProperties(correlationID: CorrelationID.text(of: bytes + [0xFE])).tooLong?.contains("correlation id") == true)
    }
}
