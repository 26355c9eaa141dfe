import Foundation

/// A request's JSON, with names compared as ASP.NET does: without case.
///
/// `@unchecked Sendable`: what JSONSerialization makes without options is immutable, and nothing here changes it.
struct Fields: @unchecked Sendable {
    private let members: [String: Any]

    init?(_ data: Data) {
        guard let object = try? JSONSerialization.jsonObject(with: data.isEmpty ? Data("{}".utf8) : data) as? [String: Any] else {
            return nil
        }
        members = Dictionary(object.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    private init(_ object: [String: Any]) {
        members = Dictionary(object.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    private func value(_ name: String) -> Any? {
        let value = members[name.lowercased()] ?? members[name.replacing("_", with: "").lowercased()]
        return value is NSNull ? nil : value
    }

    func object(_ name: String) -> Fields { (value(name) as? [String: Any]).map(Fields.init) ?? Fields([:]) }
    func has(_ name: String) -> Bool { value(name) != nil }

    func text(_ name: String) -> String? {
        switch value(name) {
        case let text as String: text.isEmpty ? nil : text
        case let number as NSNumber: number.stringValue
        default: nil
        }
    }

    func int(_ name: String) -> Int? { (value(name) as? NSNumber)?.intValue ?? text(name).flatMap(Int.init) }
    func double(_ name: String) -> Double? { (value(name) as? NSNumber)?.doubleValue ?? text(name).flatMap(Double.init) }
    func bool(_ name: String) -> Bool? { (value(name) as? NSNumber)?.boolValue ?? text(name).map { $0.lowercased() == "true" } }

    func date(_ name: String) -> Date? {
        guard let text = text(name) else { return nil }
        return (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: .iso8601))
    }
}

func jsonText(_ object: Any) -> String {
    (try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])).map {
        String(decoding: $0, as: UTF8.self)
    } ?? "{}"
}
