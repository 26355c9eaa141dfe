import Synchronization

/// A number that nobody used before: 32 hex digits by chance.
enum Nonce {
    static let length = 32

    /// Bytes by chance that no nonce has yet. OpenSSL is asked for many at once: it asks the kernel each time who it is, and a request needs 16.
    private struct Stock {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        var used = 1_024
    }

    private static let stock = Mutex(Stock())

    /// Writes one to where there is room.
    static func write(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        stock.withLock { stock in
            if stock.used == stock.bytes.count {
                stock.bytes.withUnsafeMutableBufferPointer { fillByChance($0) }
                stock.used = 0
            }
            for place in 0..<length / 2 {
                let byte = stock.bytes[stock.used + place]
                text[2 * place] = digit(byte >> 4)
                text[2 * place + 1] = digit(byte & 0xF)
            }
            stock.used += length / 2
        }
        return length
    }

    private static func digit(_ number: UInt8) -> UInt8 { number < 10 ? 0x30 + number : 0x57 + number }
}
