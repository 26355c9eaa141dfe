/// Unpacks what gzip (RFC 1952) and zlib (RFC 1950) packed, up to a limit, so that a packed body can be searched or read like any other.
///
/// Written here, because the core imports nothing, and because an input must not be able to make more of it than the limit. Check sums are
/// not compared: what is damaged is searched as far as it goes.
package struct Inflate {
    private let bytes: [UInt8]
    private var position: Int
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []
    private let limit: Int

    private struct Broken: Error {}

    /// `nil` where the bytes are not packed this way, cannot be unpacked, or would be more than the limit.
    package static func unpacked(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        guard let start = start(of: bytes) else { return nil }
        var inflate = Inflate(bytes, from: start, limit: limit)
        do {
            try inflate.run()
        } catch {
            return nil
        }
        return inflate.output
    }

    /// Whether bytes say that they are packed.
    static func isPacked<Bytes: RandomAccessCollection<UInt8>>(_ bytes: Bytes) -> Bool where Bytes.Index == Int { start(of: bytes) != nil }

    private init(_ bytes: [UInt8], from position: Int, limit: Int) {
        self.bytes = bytes
        self.position = position
        self.limit = limit
    }

    private static func start<Bytes: RandomAccessCollection<UInt8>>(of bytes: Bytes) -> Int? where Bytes.Index == Int {
        guard bytes.count >= 8 else { return nil }
        if bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8 { return startOfGzip(bytes) }
        return mayBeginZlib(bytes[0], bytes[1]) ? 2 : nil
    }

    /// Whether two bytes are the header that zlib writes.
    static func mayBeginZlib(_ first: UInt8, _ second: UInt8) -> Bool {
        first & 0x0F == 8 && first >> 4 <= 7 && (Int(first) << 8 | Int(second)) % 31 == 0 && second & 0x20 == 0
    }

    private static func startOfGzip<Bytes: RandomAccessCollection<UInt8>>(_ bytes: Bytes) -> Int? where Bytes.Index == Int {
        let flags = bytes[3]
        var position = 10
        if flags & 4 != 0 {
            guard position + 2 <= bytes.count else { return nil }
            position += 2 + Int(bytes[position]) + Int(bytes[position + 1]) << 8
        }
        for flag: UInt8 in [8, 16] where flags & flag != 0 {
            while position < bytes.count, bytes[position] != 0 { position += 1 }
            position += 1
        }
        if flags & 2 != 0 { position += 2 }
        return position < bytes.count ? position : nil
    }

    // MARK: Bits

    private mutating func take(_ count: Int) throws -> Int {
        while bitCount < count {
            guard position < bytes.count else { throw Broken() }
            bits |= UInt32(bytes[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        defer {
            bits >>= UInt32(count)
            bitCount -= count
        }
        return Int(bits & ((1 << UInt32(count)) - 1))
    }

    // MARK: Blocks

    private mutating func run() throws {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try stored()
            case 1: try coded(Self.fixedLengths, Self.fixedDistances)
            case 2:
                let (lengths, distances) = try tables()
                try coded(lengths, distances)
            default: throw Broken()
            }
        }
    }

    private mutating func stored() throws {
        bits = 0
        bitCount = 0
        guard position + 4 <= bytes.count else { throw Broken() }
        let length = Int(bytes[position]) | Int(bytes[position + 1]) << 8
        position += 4
        guard position + length <= bytes.count, output.count + length <= limit else { throw Broken() }
        output += bytes[position..<position + length]
        position += length
    }

    /// A canonical Huffman code: how many codes each length has, and the symbols in the order of their codes.
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        init(_ lengths: [Int]) {
            for length in lengths where length > 0 { counts[length] += 1 }
            for length in 1...15 where counts[length] > 0 {
                for (symbol, own) in lengths.enumerated() where own == length { symbols.append(symbol) }
            }
        }
    }

    private static let fixedLengths = Code(
        [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24) + [Int](repeating: 8, count: 8))
    private static let fixedDistances = Code([Int](repeating: 5, count: 30))

    private mutating func symbol(_ code: Code) throws -> Int {
        var value = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            value |= try take(1)
            let count = code.counts[length]
            if value - count < first {
                let place = index + value - first
                guard code.symbols.indices.contains(place) else { throw Broken() }
                return code.symbols[place]
            }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        throw Broken()
    }

    private mutating func tables() throws -> (Code, Code) {
        let lengthCount = try take(5) + 257
        let distanceCount = try take(5) + 1
        let codeCount = try take(4) + 4
        guard lengthCount <= 286, distanceCount <= 30 else { throw Broken() }
        var lengths = [Int](repeating: 0, count: 19)
        for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(codeCount) { lengths[place] = try take(3) }
        let code = Code(lengths)
        var all: [Int] = []
        while all.count < lengthCount + distanceCount {
            let (length, times): (Int, Int)
            switch try symbol(code) {
            case let length_ where length_ < 16: (length, times) = (length_, 1)
            case 16:
                guard let last = all.last else { throw Broken() }
                (length, times) = (last, 3 + (try take(2)))
            case 17: (length, times) = (0, 3 + (try take(3)))
            default: (length, times) = (0, 11 + (try take(7)))
            }
            all += [Int](repeating: length, count: times)
        }
        guard all.count == lengthCount + distanceCount else { throw Broken() }
        return (Code(Array(all.prefix(lengthCount))), Code(Array(all.dropFirst(lengthCount))))
    }

    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
    ]
    private static let lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1_025, 1_537, 2_049, 3_073, 4_097, 6_145, 8_193,
        12_289, 16_385, 24_577,
    ]
    private static let distanceBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]

    private mutating func coded(_ lengths: Code, _ distances: Code) throws {
        while true {
            let symbol = try symbol(lengths)
            if symbol < 256 {
                guard output.count < limit else { throw Broken() }
                output.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard Self.lengthBases.indices.contains(symbol - 257) else { throw Broken() }
            let length = Self.lengthBases[symbol - 257] + (try take(Self.lengthBits[symbol - 257]))
            let code = try self.symbol(distances)
            guard Self.distanceBases.indices.contains(code) else { throw Broken() }
            let distance = Self.distanceBases[code] + (try take(Self.distanceBits[code]))
            guard distance <= output.count, output.count + length <= limit else { throw Broken() }
            for _ in 0..<length { output.append(output[output.count - distance]) }
        }
    }
}
