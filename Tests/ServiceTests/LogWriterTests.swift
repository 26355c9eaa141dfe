import Glibc
import TestSupport
import Testing

@testable import Service

/// Whoever logs waits for nobody.
@Suite struct LogWriterTests {
    /// Two ends, of which the test closes the one that is read from; the writer's thread lives on.
    private func pipe() throws -> (reads: Int32, writes: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    private func hasMore(_ descriptor: Int32, within milliseconds: Int32 = 0) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Reads until all lines have come. It asks whether they have before it waits for more: a writer notes a line as written a moment after it
    /// is there to be read.
    private func lines(_ descriptor: Int32, until isAll: ([Substring]) -> Bool) -> [Substring] {
        var text = [UInt8]()
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            guard hasMore(descriptor, within: 5) else {
                if text.last == UInt8(ascii: "\n"), isAll(String(decoding: text, as: UTF8.self).split(separator: "\n")) { break }
                continue
            }
            let count = read(descriptor, &part, part.count)
            if count <= 0 { break }
            text += part.prefix(count)
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    @Test(.timeLimit(.minutes(1)))
    func aReaderThatHangsKeepsNobodyAndLearnsWhatItMissed() throws {
        let (reads, writes) = try pipe()
        defer { close(reads) }
        let writer = LogWriter(to: writes, most: 100_000)
        // More than the pipe and the writer hold together.
        for number in 0..<20_000 { writer.write(line("line \(number)")) { line("lost \($0)") } }
        #expect(!writer.drain(milliseconds: 10))
        let early = lines(reads) { _ in writer.drain(milliseconds: 0) && !hasMore(reads) }
        writer.write(line("after")) { line("lost \($0)") }
        let all = early + lines(reads) { $0.last == "after" }
        func numbers(_ word: String) -> [Int] { all.filter { $0.hasPrefix(word + " ") }.compactMap { Int($0.dropFirst(word.count + 1)) } }
        let (told, lost) = (numbers("line"), numbers("lost"))
        #expect(told.first == 0 && zip(told, told.dropFirst()).allSatisfy { $0 < $1 } && !lost.isEmpty)
        #expect(told.count + lost.reduce(0, +) == 20_000 && told.count + lost.count + 1 == all.count, "each is told or counted")
    }

    @Test(.timeLimit(.minutes(1)))
    func allThatIsHandedOverIsWrittenAtTheEnd() throws {
        let (reads, writes) = try pipe()
        defer { close(reads) }
        let writer = LogWriter(to: writes)
        for number in 0..<100 { writer.write(line("line \(number)")) { _ in line("lost") } }
        #expect(writer.drain(milliseconds: 30_000))
        #expect(lines(reads) { $0.count == 100 }.last == "line 99")
    }

    @Test(.timeLimit(.minutes(1)))
    func aReaderThatIsGoneEndsNothing() throws {
        let (reads, writes) = try pipe()
        close(reads)
        let writer = LogWriter(to: writes)
        writer.write(line("to nobody")) { _ in line("lost") }
        #expect(writer.drain(milliseconds: 30_000))
    }
}
