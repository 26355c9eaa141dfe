import CDeclineTables

/// The data files of `Tables/`, which the binary carries.
enum DeclineTableFiles {
    private static let all: [(name: String, bytes: [UInt8])] = {
        var count = 0
        let files = UnsafeBufferPointer(start: decline_table_files(&count), count: count)
        return files.map { (String(cString: $0.name), [UInt8](UnsafeBufferPointer(start: $0.bytes, count: $0.count))) }
    }()

    /// Those of gateways, processors and networks, by name.
    static var gateways: [(name: String, bytes: [UInt8])] { all.filter { !others.contains($0.name) } }

    static var merchantAdvice: [UInt8] { file("merchant-advice.json") }
    static var visaAdvice: [UInt8] { file("visa-advice.json") }
    static var textRules: [UInt8] { file("text-rules.json") }
    static var networkCeilings: [UInt8] { file("network-ceilings.json") }

    private static let others: Set = ["merchant-advice.json", "visa-advice.json", "text-rules.json", "network-ceilings.json"]

    /// One that is missing is a broken build, which a test would have caught.
    private static func file(_ name: String) -> [UInt8] {
        guard let file = all.first(where: { $0.name == name }) else { fatalError("\(name) is not in CDeclineTables") }
        return file.bytes
    }
}
