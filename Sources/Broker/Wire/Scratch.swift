import CRabbitMQ
import Glibc

/// Memory that rabbitmq-c's structs point into while one frame is encoded; given back all at once.
///
/// Not thread-safe: it lives on its connection's thread.
final class Scratch {
    private let chunk: UnsafeMutableRawPointer
    private let chunkSize = 64 * 1_024
    private var used = 0
    private var overflow: [UnsafeMutableRawPointer] = []

    init() {
        chunk = .allocate(byteCount: chunkSize, alignment: 16)
    }

    deinit {
        reset()
        chunk.deallocate()
    }

    func reset() {
        used = 0
        for pointer in overflow { pointer.deallocate() }
        overflow.removeAll(keepingCapacity: true)
    }

    private func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        let size = (count + 15) & ~15
        if used + size <= chunkSize {
            defer { used += size }
            return chunk + used
        }
        let pointer = UnsafeMutableRawPointer.allocate(byteCount: max(size, 16), alignment: 16)
        overflow.append(pointer)
        return pointer
    }

    func bytes(_ text: String) -> amqp_bytes_t {
        if let lent = text.utf8.withContiguousStorageIfAvailable({ bytes(UnsafeRawBufferPointer($0)) }) { return lent }
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func bytes(_ raw: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let base = raw.baseAddress, raw.count > 0 else { return amqp_bytes_t(len: 0, bytes: nil) }
        let copy = allocate(raw.count)
        memcpy(copy, base, raw.count)
        return amqp_bytes_t(len: raw.count, bytes: copy)
    }

    func table(_ table: FieldTable) -> amqp_table_t {
        if table.isEmpty { return amqp_table_t(num_entries: 0, entries: nil) }
        let entries = allocate(MemoryLayout<amqp_table_entry_t>.stride * table.fields.count)
            .bindMemory(to: amqp_table_entry_t.self, capacity: table.fields.count)
        for (index, field) in table.fields.enumerated() {
            (entries + index).initialize(to: amqp_table_entry_t(key: bytes(field.name), value: value(field.value)))
        }
        return amqp_table_t(num_entries: Int32(table.fields.count), entries: entries)
    }

    private func value(_ field: FieldValue) -> amqp_field_value_t {
        var value = amqp_field_value_t()
        switch field {
        case .string(let text):
            value.kind = UInt8(ascii: "S")
            value.value.bytes = bytes(text)
        case .integer(let number):
            value.kind = UInt8(ascii: "l")
            value.value.i64 = number
        case .bool(let flag):
            value.kind = UInt8(ascii: "t")
            value.value.boolean = flag ? 1 : 0
        case .double(let number):
            value.kind = UInt8(ascii: "d")
            value.value.f64 = number
        case .timestamp(let seconds):
            value.kind = UInt8(ascii: "T")
            value.value.u64 = seconds
        case .bytes(let raw):
            value.kind = UInt8(ascii: "x")
            value.value.bytes = raw.withUnsafeBytes { bytes($0) }
        case .decimal(let scale, let number):
            value.kind = UInt8(ascii: "D")
            value.value.decimal = amqp_decimal_t(decimals: scale, value: number)
        case .table(let table):
            value.kind = UInt8(ascii: "F")
            value.value.table = self.table(table)
        case .array(let elements):
            value.kind = UInt8(ascii: "A")
            let entries = allocate(MemoryLayout<amqp_field_value_t>.stride * max(elements.count, 1))
                .bindMemory(to: amqp_field_value_t.self, capacity: max(elements.count, 1))
            for (index, element) in elements.enumerated() { (entries + index).initialize(to: self.value(element)) }
            value.value.array = amqp_array_t(num_entries: Int32(elements.count), entries: entries)
        case .void:
            value.kind = UInt8(ascii: "V")
        }
        return value
    }
}

extension String {
    init(_ bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension FieldTable {
    /// Deeper nesting than this is left out: nobody means it, and a hostile publisher may.
    private static let deepest = 16

    init(_ table: amqp_table_t, _ texts: inout RecurringTexts, depth: Int = 0) {
        var fields: [Field] = []
        fields.reserveCapacity(Int(table.num_entries))
        for index in 0..<Int(table.num_entries) {
            let entry = table.entries[index]
            fields.append(Field(texts.text(entry.key), FieldTable.value(entry.value, &texts, depth: depth)))
        }
        self.init(fields)
    }

    private static func value(_ field: amqp_field_value_t, _ texts: inout RecurringTexts, depth: Int) -> FieldValue {
        switch field.kind {
        case UInt8(ascii: "S"): .string(String(field.value.bytes))
        case UInt8(ascii: "x"): .bytes(Array(UnsafeRawBufferPointer(start: field.value.bytes.bytes, count: field.value.bytes.len)))
        case UInt8(ascii: "t"): .bool(field.value.boolean != 0)
        case UInt8(ascii: "b"): .integer(Int64(field.value.i8))
        case UInt8(ascii: "B"): .integer(Int64(field.value.u8))
        case UInt8(ascii: "s"): .integer(Int64(field.value.i16))
        case UInt8(ascii: "u"): .integer(Int64(field.value.u16))
        case UInt8(ascii: "I"): .integer(Int64(field.value.i32))
        case UInt8(ascii: "i"): .integer(Int64(field.value.u32))
        case UInt8(ascii: "l"): .integer(field.value.i64)
        case UInt8(ascii: "L"): .integer(Int64(clamping: field.value.u64))
        case UInt8(ascii: "f"): .double(Double(field.value.f32))
        case UInt8(ascii: "d"): .double(field.value.f64)
        case UInt8(ascii: "D"): .decimal(scale: field.value.decimal.decimals, value: field.value.decimal.value)
        case UInt8(ascii: "T"): .timestamp(field.value.u64)
        case UInt8(ascii: "F") where depth < deepest: .table(FieldTable(field.value.table, &texts, depth: depth + 1))
        case UInt8(ascii: "A") where depth < deepest:
            .array((0..<Int(field.value.array.num_entries)).map { value(field.value.array.entries[$0], &texts, depth: depth + 1) })
        default: .void
        }
    }
}
