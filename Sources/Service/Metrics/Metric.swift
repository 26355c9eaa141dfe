import Synchronization

/// Numbers of one name under different labels, for Prometheus.
///
/// Every label's values come from the configuration, the tables or an enumeration (`ServiceMetrics` sees to it), so series are few by
/// construction. `limit` is the backstop behind that, for thousands of merchants: what would go beyond it is counted as some `other` one's, and
/// that it happened is counted too.
final class Metric: Sendable {
    enum Kind: Sendable {
        case counter, gauge
        /// Upper bounds of the buckets, in seconds.
        case histogram([Double])
    }

    /// The numbers under one set of labels. Whoever counts with every message keeps it, and looks nothing up.
    final class Series: Sendable {
        fileprivate struct Numbers {
            var value = 0.0
            var buckets: [UInt64]
            var count: UInt64 = 0
        }

        fileprivate let numbers: Mutex<Numbers>
        private let bounds: [Double]

        fileprivate init(_ kind: Kind) {
            bounds = if case .histogram(let bounds) = kind { bounds } else { [] }
            numbers = Mutex(Numbers(buckets: Array(repeating: 0, count: bounds.count)))
        }

        func add(_ amount: Double = 1) { numbers.withLock { $0.value += amount } }

        func set(_ value: Double) { numbers.withLock { $0.value = value } }

        /// Counts an observation in seconds.
        func observe(_ seconds: Double) {
            numbers.withLock { numbers in
                for (index, bound) in bounds.enumerated() where seconds <= bound { numbers.buckets[index] += 1 }
                numbers.value += seconds
                numbers.count += 1
            }
        }
    }

    let name: String
    private let help: String
    private let labels: [String]
    private let kind: Kind
    private let limit: Int
    private let all = Mutex<[Values: Series]>([:])
    private let overflow = Atomic<Int>(0)

    /// What the labels of one series say, in their order. A list of them would ask for memory with every message that is counted; no metric
    /// has more than four.
    private struct Values: Hashable {
        let first: String?
        let second: String?
        let third: String?
        let fourth: String?

        var list: [String] { [first, second, third, fourth].compactMap { $0 } }
    }

    /// Labels whose words are an enumeration's. They are few, and an alert asks for them: they are kept where the rest is too many.
    private static let enumerated: Set<String> = ["kind", "reason", "call", "outcome", "stage", "fate", "why", "answer", "connection"]
    /// Series beyond the limit, which take what is too many.
    private static let spare = 1_000

    /// The series that takes what would be too many.
    private func folded(_ values: Values, isWhole: Bool) -> Values {
        func word(_ place: Int, _ word: String?) -> String? {
            guard place < labels.count else { return nil }
            return isWhole || !Self.enumerated.contains(labels[place]) ? "other" : word
        }
        return Values(
            first: word(0, values.first), second: word(1, values.second), third: word(2, values.third), fourth: word(3, values.fourth))
    }

    init(_ name: String, _ help: String, labels: [String] = [], kind: Kind = .counter, limit: Int = 50_000) {
        precondition(labels.count <= 4, "Metric.init: \(name) has more labels than there is room for")
        self.name = name
        self.help = help
        self.labels = labels
        self.kind = kind
        self.limit = limit
    }

    func add(_ amount: Double = 1, _ first: String? = nil, _ second: String? = nil, _ third: String? = nil, _ fourth: String? = nil) {
        series(first, second, third, fourth).add(amount)
    }

    func set(_ value: Double, _ first: String? = nil, _ second: String? = nil) {
        series(first, second).set(value)
    }

    func observe(_ seconds: Double, _ first: String, _ second: String? = nil) {
        series(first, second).observe(seconds)
    }

    /// Makes a counter's series stand at 0 before anything is counted: a rate sees the first event only as a rise from a value that was there.
    /// As long as there is room: the half of it is for what is counted.
    func declare(_ first: String? = nil, _ second: String? = nil, _ third: String? = nil, _ fourth: String? = nil) {
        let values = Values(first: first, second: second, third: third, fourth: fourth)
        all.withLock { all in
            if all[values] != nil { return }
            if all.count < max(limit / 2, 1) {
                all[values] = Series(kind)
            } else if case let other = folded(values, isWhole: false), all[other] == nil, all.count < limit {
                all[other] = Series(kind)
            }
        }
    }

    /// How often something was counted as some other's because there were too many series.
    var overflows: Int { overflow.load(ordering: .relaxed) }

    func series(_ first: String? = nil, _ second: String? = nil, _ third: String? = nil, _ fourth: String? = nil) -> Series {
        all.withLock { all in
            var values = Values(first: first, second: second, third: third, fourth: fourth)
            if let one = all[values] { return one }
            if all.count >= limit {
                overflow.add(1, ordering: .relaxed)
                values = folded(values, isWhole: all.count >= limit + Self.spare)
                if let others = all[values] { return others }
            }
            let one = Series(kind)
            all[values] = one
            return one
        }
    }

    func reset() { all.withLock { $0 = [:] } }

    /// Prometheus' text format, version 0.0.4.
    func render(into text: inout String) {
        let all = all.withLock { $0 }.mapValues { $0.numbers.withLock { $0 } }
        if all.isEmpty { return }
        let type =
            switch kind {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        let series = all.map { (values: $0.key.list, one: $0.value) }
        for (values, one) in series.sorted(by: { $0.values.lexicographicallyPrecedes($1.values) }) {
            let pairs = zip(labels, values).map { "\($0)=\"\(Self.escape($1))\"" }
            switch kind {
            case .counter, .gauge: text += "\(name)\(Self.braces(pairs)) \(Self.number(one.value))\n"
            case .histogram(let bounds):
                for (bound, count) in zip(bounds, one.buckets) {
                    text += "\(name)_bucket\(Self.braces(pairs + ["le=\"\(Self.number(bound))\""])) \(count)\n"
                }
                text += "\(name)_bucket\(Self.braces(pairs + ["le=\"+Inf\""])) \(one.count)\n"
                text += "\(name)_sum\(Self.braces(pairs)) \(Self.number(one.value))\n\(name)_count\(Self.braces(pairs)) \(one.count)\n"
            }
        }
    }

    private static func braces(_ pairs: [String]) -> String { pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}" }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
