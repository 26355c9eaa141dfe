import CRabbitMQ
import Glibc

/// Bytes on their way to the socket: frames are encoded straight into it, and one write per loop turn takes them out.
///
/// Not thread-safe: it lives on its connection's thread.
final class OutputBuffer {
    private var storage: UnsafeMutableRawPointer
    private var capacity = 256 * 1_024
    private var head = 0
    private var tail = 0
    /// The largest frame the broker takes, its 8 bytes of frame included.
    var frameMax = 131_072

    init() {
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        storage.deallocate()
    }

    var count: Int { tail - head }

    var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage + head, count: count) }

    func consume(_ count: Int) {
        head += count
        if head == tail { (head, tail) = (0, 0) }
    }

    private func reserve(_ count: Int) {
        if tail + count <= capacity { return }
        let wanted = self.count + count
        if wanted <= capacity, head > capacity / 2 {
            memmove(storage, storage + head, self.count)
        } else {
            while capacity < wanted { capacity *= 2 }
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            memcpy(larger, storage + head, self.count)
            storage.deallocate()
            storage = larger
        }
        (head, tail) = (0, self.count)
    }

    private func put(_ byte: UInt8) {
        storage.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail += 1
    }

    private func put(_ bytes: some Collection<UInt8>) {
        for byte in bytes { put(byte) }
    }

    private func store(_ number: UInt32, at offset: Int) {
        storage.storeBytes(of: number.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    func protocolHeader() {
        reserve(8)
        put([0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1])
    }

    func heartbeat() {
        reserve(8)
        put([8, 0, 0, 0, 0, 0, 0, 0xCE])
    }

    /// Begins a frame and returns where it begins.
    private func open(_ type: UInt8, _ channel: UInt16) -> Int {
        let start = tail
        put(type)
        put(UInt8(channel >> 8))
        put(UInt8(truncatingIfNeeded: channel))
        tail += 4
        return start
    }

    private func close(_ start: Int) {
        store(UInt32(tail - start - 7), at: start + 3)
        put(0xCE)
    }

    /// Encodes a method frame; the method's struct is rabbitmq-c's. `false`, and nothing written, when it does not fit a frame.
    func method<Method>(_ channel: UInt16, _ id: UInt32, _ method: inout Method) -> Bool {
        reserve(frameMax + 8)
        let start = open(1, channel)
        store(id, at: tail)
        tail += 4
        let room = amqp_bytes_t(len: frameMax - 12, bytes: storage + tail)
        let length = withUnsafeMutableBytes(of: &method) { amqp_encode_method(id, $0.baseAddress, room) }
        guard length >= 0 else {
            tail = start
            return false
        }
        tail += Int(length)
        close(start)
        return true
    }

    /// Encodes a publish: method, header and body frames. `false`, and nothing written, when the properties do not fit a frame.
    func content(
        _ channel: UInt16, _ publish: inout amqp_basic_publish_t, _ properties: inout amqp_basic_properties_t, _ body: [UInt8]
    ) -> Bool {
        guard contentHeader(channel, &publish, &properties, size: body.count) else { return false }
        contentBody(channel, body)
        return true
    }

    /// Encodes a publish up to where its body begins. `false`, and nothing written, when the properties do not fit a frame.
    func contentHeader(
        _ channel: UInt16, _ publish: inout amqp_basic_publish_t, _ properties: inout amqp_basic_properties_t, size: Int
    ) -> Bool {
        let beforeAll = count
        guard method(channel, UInt32(AMQP_BASIC_PUBLISH_METHOD), &publish) else { return false }
        reserve(frameMax + 8)
        let start = open(2, channel)
        store(UInt32(60) << 16, at: tail)
        tail += 4
        store(UInt32(truncatingIfNeeded: UInt64(size) >> 32), at: tail)
        store(UInt32(truncatingIfNeeded: size), at: tail + 4)
        tail += 8
        let room = amqp_bytes_t(len: frameMax - 8 - 12, bytes: storage + tail)
        let length = withUnsafeMutableBytes(of: &properties) { amqp_encode_properties(60, $0.baseAddress, room) }
        guard length >= 0 else {
            tail = head + beforeAll
            return false
        }
        tail += Int(length)
        close(start)
        return true
    }

    /// Encodes a body, or a part of one.
    func contentBody(_ channel: UInt16, _ body: [UInt8]) {
        var written = 0
        body.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            while written < bytes.count {
                let part = min(bytes.count - written, frameMax - 8)
                reserve(part + 8)
                let start = open(3, channel)
                memcpy(storage + tail, base + written, part)
                tail += part
                close(start)
                written += part
            }
        }
    }
}
