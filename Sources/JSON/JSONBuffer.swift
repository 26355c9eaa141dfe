import Synchronization

/// Bytes that grow at their end, written straight into memory: an array asks at every byte whether it is alone and whether there is room.
///
/// One writer has it, and hands it to the writers of what is nested in it; all that is in it comes out as an array, once.
///
/// `@unchecked Sendable`: one that was made is its maker's alone, and of those that are lent each is with one borrower, who has it until
/// `lent` returns, or rests behind the lock.
final class JSONBuffer: @unchecked Sendable {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        start = .allocate(capacity: self.capacity)
    }

    deinit { start.deallocate() }

    /// Those that nobody writes into now: as many as there were writers at one time.
    private static let resting = Mutex<[JSONBuffer]>([])
    private static let shortText = 4 << 10
    /// One that grew beyond it is not kept for the next.
    private static let mostKept = 64 << 10

    /// Lends an empty one with its memory, for making one costs two allocations, and each growing one more.
    static func lent<Result>(reserving capacity: Int, _ use: (JSONBuffer) -> Result) -> Result {
        let buffer = resting.withLock { $0.popLast() } ?? JSONBuffer(capacity: max(capacity, 2_048))
        buffer.reserve(capacity)
        let result = use(buffer)
        if buffer.capacity <= mostKept {
            buffer.count = 0
            resting.withLock { $0.append(buffer) }
        }
        return result
    }

    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }

    @inline(__always)
    private func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private func grow(_ more: Int) {
        let larger = max(2 * capacity, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: start, count: count)
        start.deallocate()
        (start, capacity) = (moved, larger)
    }

    func put(_ byte: UInt8) {
        reserve(1)
        start[count] = byte
        count += 1
    }

    func put(_ text: UnsafeBufferPointer<UInt8>) {
        guard let base = text.baseAddress else { return }
        reserve(text.count)
        (start + count).update(from: base, count: text.count)
        count += text.count
    }

    /// A member's name as it stands in the source, with all that stands around it.
    func put(name: StaticString, isFirst: Bool) {
        let length = name.utf8CodeUnitCount
        reserve(length + 4)
        if !isFirst { append(UInt8(ascii: ",")) }
        append(UInt8(ascii: "\""))
        (start + count).update(from: name.utf8Start, count: length)
        count += length
        append(UInt8(ascii: "\""))
        append(UInt8(ascii: ":"))
    }

    /// Where there is room already.
    @inline(__always)
    private func append(_ byte: UInt8) {
        start[count] = byte
        count += 1
    }

    /// A text in its quotes.
    func put(_ text: String) {
        text.withBytes { put(text: $0) }
    }

    func put(text: UnsafeBufferPointer<UInt8>) {
        if JSONText.needsEscape(text) {
            // Counting takes as long as writing; room for the worst is there for most texts.
            reserve(text.count <= Self.shortText ? 6 * text.count + 2 : JSONText.escapedCount(text))
            count += JSONText.escape(text, into: start + count)
            return
        }
        reserve(text.count + 2)
        append(UInt8(ascii: "\""))
        put(text)
        put(UInt8(ascii: "\""))
    }

    /// A text in its quotes that needs no escape and is written where it will stand: at most so many bytes.
    func put(atMost most: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        reserve(most + 2)
        append(UInt8(ascii: "\""))
        let length = write(UnsafeMutableBufferPointer(start: start + count, count: most))
        count += length
        append(UInt8(ascii: "\""))
    }

    func put(_ number: Int64) {
        reserve(20)
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var end = count + 1
        while rest >= 10 {
            rest /= 10
            end += 1
        }
        rest = number.magnitude
        var place = end
        repeat {
            place -= 1
            start[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        count = end
    }

    func put(_ flag: Bool) { put(raw: flag ? "true" : "false") }

    /// A value with all that it holds, without white space.
    func put(_ value: JSONValue) {
        switch value {
        case .null: put(raw: "null")
        case .bool(let flag): put(flag)
        case .integer(let number): put(number)
        case .number(let text): text.withBytes { put($0) }
        case .string(let text): put(text)
        case .array(let elements):
            put(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { put(UInt8(ascii: ",")) }
                put(element)
            }
            put(UInt8(ascii: "]"))
        case .object(let members):
            put(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { put(UInt8(ascii: ",")) }
                put(member.name)
                put(UInt8(ascii: ":"))
                put(member.value)
            }
            put(UInt8(ascii: "}"))
        }
    }

    private func put(raw text: StaticString) { text.withUTF8Buffer { put($0) } }
}
