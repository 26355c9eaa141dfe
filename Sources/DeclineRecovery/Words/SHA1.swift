/// SHA-1, which version 5 UUIDs prescribe. Nothing here relies on it for security.
enum SHA1 {
    typealias Digest = (UInt32, UInt32, UInt32, UInt32, UInt32)

    static func digest(_ message: [UInt8]) -> Digest { message.withUnsafeBufferPointer { digest($0) } }

    static func digest(_ message: UnsafeBufferPointer<UInt8>) -> Digest {
        var state: Digest = (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0)
        let whole = message.count / 64 * 64
        for block in stride(from: 0, to: whole, by: 64) { add(UnsafeBufferPointer(rebasing: message[block..<block + 64]), to: &state) }
        // The rest, a mark behind it, and the length in bits at the end of the last block.
        let rest = message.count - whole
        let padded = rest < 56 ? 64 : 128
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: padded) { last in
            for index in 0..<padded { last[index] = index < rest ? message[whole + index] : index == rest ? 0x80 : 0 }
            let bits = UInt64(message.count) * 8
            for index in 0..<8 { last[padded - 1 - index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)) }
            for block in stride(from: 0, to: padded, by: 64) {
                add(UnsafeBufferPointer(rebasing: last[block..<block + 64]), to: &state)
            }
        }
        return state
    }

    private static func add(_ block: UnsafeBufferPointer<UInt8>, to state: inout Digest) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { schedule in
            for t in 0..<16 {
                let (high, low) = (
                    UInt32(block[4 * t]) << 8 | UInt32(block[4 * t + 1]), UInt32(block[4 * t + 2]) << 8 | UInt32(block[4 * t + 3])
                )
                schedule[t] = high << 16 | low
            }
            for t in 16..<80 { schedule[t] = rotate(schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16], by: 1) }
            var (a, b, c, d, e) = state
            // One loop for each quarter, so that no step asks which it is in.
            @inline(__always)
            func step(_ t: Int, _ mix: UInt32, _ constant: UInt32) {
                let next = rotate(a, by: 5) &+ mix &+ e &+ constant &+ schedule[t]
                (a, b, c, d, e) = (next, a, rotate(b, by: 30), c, d)
            }
            for t in 0..<20 { step(t, (b & c) | (~b & d), 0x5A82_7999) }
            for t in 20..<40 { step(t, b ^ c ^ d, 0x6ED9_EBA1) }
            for t in 40..<60 { step(t, (b & c) | (b & d) | (c & d), 0x8F1B_BCDC) }
            for t in 60..<80 { step(t, b ^ c ^ d, 0xCA62_C1D6) }
            state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
        }
    }

    @inline(__always)
    private static func rotate(_ word: UInt32, by count: UInt32) -> UInt32 { word &<< count | word &>> (32 &- count) }
}
