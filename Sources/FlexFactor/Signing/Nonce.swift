import JSON
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
                text[2 * place] = (byte >> 4).hexCharacter
                text[2 * place + 1] = (byte & 0xF).hexCharacter
            }
            stock.used += length / 2
        }
        return length
    }
}
