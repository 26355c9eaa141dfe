import DeclineRecovery
import JSON

/// The text that is signed of a message: the method and a line end, then nonce, date, host and the body's hash with semicolons between.
/// With it where its parts stand, which are headers too.
///
/// It stands in memory of its own for as long as it is looked at.
struct SignedText {
    let bytes: UnsafeBufferPointer<UInt8>
    let nonce: UnsafeBufferPointer<UInt8>
    let date: UnsafeBufferPointer<UInt8>
    let contentHash: UnsafeBufferPointer<UInt8>

    private static let hashLength = Base64.length(of: SHA512.length)

    /// Who makes it; a message that was received says both.
    enum Maker {
        case signer(now: Moment, nonce: String?)
        case received(nonce: String, date: String)

        var most: Int {
            switch self {
            case .signer(_, let nonce): (nonce?.utf8.count ?? Nonce.length) + Moment.longestText
            case .received(let nonce, let date): nonce.utf8.count + date.utf8.count
            }
        }
    }

    static func with<Result>(
        method: String, host: String, body: [UInt8], _ maker: Maker, _ use: (SignedText) -> Result
    ) -> Result {
        let most = method.utf8.count + host.utf8.count + maker.most + hashLength + 4
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: most) { room in
            var line = Line(room)
            line.put(method)
            line.put(mark: UInt8(ascii: "\n"))
            let nonce: UnsafeBufferPointer<UInt8>
            let date: UnsafeBufferPointer<UInt8>
            switch maker {
            case .signer(let now, let given):
                nonce = if let given { line.put(given) } else { line.part(Nonce.write) }
                line.put(mark: UInt8(ascii: ";"))
                date = line.part(now.writeRFC1123)
            case .received(let given, let claimed):
                nonce = line.put(given)
                line.put(mark: UInt8(ascii: ";"))
                date = line.put(claimed)
            }
            line.put(mark: UInt8(ascii: ";"))
            line.put(host)
            line.put(mark: UInt8(ascii: ";"))
            let hash = line.part { writeHash(of: body, to: $0) }
            return use(SignedText(bytes: line.written, nonce: nonce, date: date, contentHash: hash))
        }
    }

    private static func writeHash(of body: [UInt8], to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: SHA512.length) { digest in
            body.withUnsafeBufferPointer { SHA512.write($0, to: digest) }
            return Base64.write(UnsafeBufferPointer(digest), to: text)
        }
    }

    /// Bytes that are put one behind the other where there is room for all.
    private struct Line {
        private let room: UnsafeMutableBufferPointer<UInt8>
        private var count = 0

        init(_ room: UnsafeMutableBufferPointer<UInt8>) {
            self.room = room
        }

        var written: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: room[..<count]) }

        mutating func put(mark byte: UInt8) {
            room[count] = byte
            count += 1
        }

        @discardableResult mutating func put(_ text: String) -> UnsafeBufferPointer<UInt8> {
            var text = text
            return part { rest in text.withUTF8 { rest.update(fromContentsOf: $0) } }
        }

        mutating func part(_ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) -> UnsafeBufferPointer<UInt8> {
            let start = count
            count += write(UnsafeMutableBufferPointer(rebasing: room[start...]))
            return UnsafeBufferPointer(rebasing: room[start..<count])
        }
    }
}
