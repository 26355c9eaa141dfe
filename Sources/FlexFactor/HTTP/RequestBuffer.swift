import NIOCore
import NIOHTTP1

/// The memory in which the requests of a lane are written, one after the other: as a rule one has left before the next is written.
///
/// Lives on its lane's event loop.
final class RequestBuffer {
    private var kept = ByteBuffer()

    /// One that grew beyond it is not kept for the next.
    private static let mostKept = 64 << 10

    func bytes(of request: HTTPRequest, to host: String) -> ByteBuffer {
        // Of one that is being sent yet it leaves the memory alone, and takes other.
        kept.clear(minimumCapacity: 4_096)
        request.write(to: &kept, host: host)
        let bytes = kept
        if kept.storageCapacity > Self.mostKept { kept = ByteBuffer() }
        return bytes
    }
}

/// Lets requests out that are bytes already. It stands where NIO's encoder would, which makes an object of each head, a list of its fields,
/// and two buffers; the decoder must hear of a request all the same, to know what an answer is to.
final class RequestDoor: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = IOData

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .body(let bytes): context.write(wrapOutboundOut(bytes), promise: promise)
        case .head, .end: promise?.succeed(())
        }
    }
}

extension HTTPRequest.Method {
    /// What the decoder hears of a request: its method decides how the answer is read, and nothing else of it.
    var announcement: HTTPClientRequestPart { self == .get ? Self.announcedGet : Self.announcedPost }

    private static let announcedGet = HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"))
    private static let announcedPost = HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/"))
}

extension HTTPRequest {
    /// Writes it as it goes out.
    fileprivate func write(to bytes: inout ByteBuffer, host: String) {
        bytes.writeString(method.rawValue)
        bytes.writeStaticString(" ")
        bytes.writeString(path)
        bytes.writeStaticString(" HTTP/1.1\r\nhost: ")
        bytes.writeString(host)
        bytes.writeStaticString("\r\n")
        bytes.writeBytes(fields.bytes)
        if method == .post {
            bytes.writeStaticString("content-length: ")
            bytes.writeString(String(body.count))
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("\r\n")
        bytes.writeBytes(body)
    }
}
