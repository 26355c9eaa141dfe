import Testing

@testable import Service

@Suite struct TracerTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aContextIsReadAndWrittenAsItIs() throws {
        let context = try #require(SpanContext(Self.parent))
        #expect(context.text == Self.parent && context.isSampled && context.spanID == 0x00f0_67aa_0ba9_02b7)
        #expect(context.traceBytes.prefix(2) == [0x4b, 0xf9] && context.spanBytes.last == 0xb7)
        #expect(SpanContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")?.isSampled == false)
    }

    @Test(arguments: [
        "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
    ])
    func whatIsNoContextIsNone(text: String) { #expect(SpanContext(text) == nil) }

    @Test func whoBeginsATraceSaysWhetherItIsRecorded() throws {
        let tracer = Tracer(share: 0)
        let span = try #require(tracer.begin("a", .consumer, after: Self.parent, at: 1))
        #expect(span.parent == 0x00f0_67aa_0ba9_02b7 && span.context.traceID.high == 0x4bf9_2f35_77b3_4da6 && span.link == nil)
        #expect(span.context.spanID != span.parent)
        #expect(Tracer(share: 1).begin("a", .consumer, after: String(Self.parent.dropLast()) + "0", at: 1) == nil)
        #expect(tracer.begin("a", .consumer, after: nil, at: 1) == nil)
        #expect(Tracer(share: 1).begin("a", .consumer, after: nil, at: 1)?.parent == nil)
    }

    @Test func whatComesAfterwardIsATraceOfItsOwn() throws {
        let span = try #require(Tracer(share: 0).begin("a", .consumer, after: Self.parent, isAfterward: true, at: 1))
        #expect(span.link?.text == Self.parent && span.parent == nil)
        #expect(span.context.traceBytes != span.link?.traceBytes)
    }

    @Test func noMoreWaitThanThereIsRoomFor() throws {
        let tracer = Tracer(share: 1, capacity: 3)
        for number in 0..<5 { tracer.end(try #require(tracer.begin("\(number)", .inner, after: nil, at: 1))) }
        #expect(tracer.dropped == 2)
        #expect(tracer.take(atMost: 2).map(\.name) == ["0", "1"])
        #expect(tracer.take(atMost: 9).map(\.name) == ["2"])
        #expect(tracer.take(atMost: 9).isEmpty)
    }
}
