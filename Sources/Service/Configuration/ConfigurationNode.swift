import DeclineRecovery
import FlexFactor
import Yams

/// Every fault of one file, in the order found.
final class ConfigurationFaults {
    private(set) var all: [ConfigurationFault] = []

    func add(_ path: String, _ line: Int?, _ message: String) { all.append(ConfigurationFault(path: path, line: line, message: message)) }
}

/// A mapping of the file under validation. A value that is missing or not of its form adds a fault and reads as `nil`; every key that is
/// asked for counts as known, and `end` reports the others.
final class ConfigurationNode {
    let path: String
    let line: Int?
    private let faults: ConfigurationFaults
    private var members: [(name: String, node: Node)] = []
    private var known: [String] = []

    init(_ node: Node, path: String, _ faults: ConfigurationFaults) {
        self.path = path
        self.faults = faults
        line = node.mark?.line
        guard let mapping = node.mapping else {
            if !node.isEmpty { faults.add(path, line, "expected keys and values") }
            return
        }
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                faults.add(path, key.mark?.line, "a key that is no text")
                continue
            }
            members.append((name, value))
        }
    }

    private func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    func fault(_ name: String, _ message: String) { faults.add(at(name), member(name)?.mark?.line ?? line, message) }

    private func member(_ name: String) -> Node? {
        if !known.contains(name) { known.append(name) }
        guard let node = members.first(where: { $0.name == name })?.node, !node.isEmpty else { return nil }
        return node
    }

    func has(_ name: String) -> Bool { member(name) != nil }

    // MARK: Scalars

    func optionalText(_ name: String) -> String? {
        guard let node = member(name) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            fault(name, "expected a text")
            return nil
        }
        return text
    }

    func text(_ name: String) -> String? {
        if !has(name) { fault(name, "missing; expected a text") }
        return optionalText(name)
    }

    /// A name by which others know it: something to read, on one line.
    func name(_ key: String, atMost bytes: Int = 200) -> String? {
        guard let text = text(key) else { return nil }
        let isControlled = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        if text.utf8.count > bytes || isControlled || text.allSatisfy(\.isWhitespace) {
            fault(key, "expected 1 to \(bytes) bytes, not blanks alone, without control characters")
        }
        return text
    }

    /// A text of a form; `nil` from `read` says that it has not that form.
    func parsed<Value>(_ name: String, _ expected: String, _ read: (String) -> Value?) -> Value? {
        guard let text = optionalText(name) else { return nil }
        guard let value = read(text) else {
            // What stands in a wrong place may be a secret that belongs in another; a number of a few digits is none.
            let isHarmless = text.utf8.count <= 6 && text.utf8.allSatisfy { (0x2D...0x2E).contains($0) || (0x30...0x39).contains($0) }
            fault(name, isHarmless ? "expected \(expected), found '\(text)'" : "expected \(expected)")
            return nil
        }
        return value
    }

    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type, default fallback: Word) -> Word
    where Word.RawValue == String {
        parsed(name, "one of " + Word.allCases.map(\.rawValue).joined(separator: ", ")) { Word(rawValue: $0) } ?? fallback
    }

    func count(_ name: String, _ range: ClosedRange<Int>, default fallback: Int) -> Int {
        parsed(name, "a whole number of \(range.lowerBound)...\(range.upperBound)") { Int($0).flatMap { range.contains($0) ? $0 : nil } }
            ?? fallback
    }

    func number(_ name: String, above minimum: Double) -> Double? {
        parsed(name, "a number above \(minimum)") { Double($0).flatMap { $0 > minimum && $0.isFinite ? $0 : nil } }
    }

    /// A percentage in its hundredths, exact.
    func basisPoints(_ name: String) -> Int64? {
        parsed(name, "a percentage of 0...100 with at most two decimals, such as 2.5") { text in
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            let areDigits = parts.allSatisfy { !$0.isEmpty && $0.utf8.count <= 3 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
            guard areDigits, parts.count <= 2, let whole = Int64(parts[0]) else { return nil }
            let decimals = parts.count == 2 ? String(parts[1]) : "00"
            guard decimals.utf8.count <= 2, let hundredths = Int64(decimals.utf8.count == 1 ? decimals + "0" : decimals) else { return nil }
            let points = whole * 100 + hundredths
            return points <= 10_000 ? points : nil
        }
    }

    func flag(_ name: String) -> Bool {
        parsed(name, "true or false") { ["true": true, "false": false][$0.lowercased()] } ?? false
    }

    // MARK: Structure

    func object(_ name: String) -> ConfigurationNode? {
        member(name).map { ConfigurationNode($0, path: at(name), faults) }
    }

    func objects(_ name: String) -> [ConfigurationNode] {
        sequence(name).enumerated().map { ConfigurationNode($1, path: "\(at(name))[\($0)]", faults) }
    }

    /// A list that must hold something.
    func requiredObjects(_ name: String, _ expected: String) -> [ConfigurationNode] {
        if !has(name) || isEmptyList(name) { fault(name, "missing; expected \(expected)") }
        return objects(name)
    }

    /// Whether a list stands there that holds nothing. What is no list is another fault.
    func isEmptyList(_ name: String) -> Bool { member(name)?.sequence?.isEmpty ?? false }

    /// One text of a list, and where it stands.
    struct Element {
        let path: String
        let line: Int?
        let text: String
    }

    func texts(_ name: String) -> [Element] {
        sequence(name).enumerated().compactMap { index, node in
            let path = "\(at(name))[\(index)]"
            guard let text = node.scalar?.string, !text.isEmpty else {
                faults.add(path, node.mark?.line, "expected a text")
                return nil
            }
            return Element(path: path, line: node.mark?.line, text: text)
        }
    }

    func fault(_ element: Element, _ message: String) { faults.add(element.path, element.line, message) }

    private func sequence(_ name: String) -> [Node] {
        guard let node = member(name) else { return [] }
        guard let sequence = node.sequence else {
            fault(name, "expected a list")
            return []
        }
        return Array(sequence)
    }

    // MARK: Secrets

    /// A secret, given as its text, or as `{ file: PATH }` or `{ env: NAME }`. Faults never say what it was.
    func secret(_ name: String, _ sources: SecretSources) -> String? {
        guard let node = member(name) else { return nil }
        if let text = node.scalar?.string {
            if !text.allSatisfy(\.isWhitespace) { return text }
            fault(name, "is empty")
            return nil
        }
        let source = ConfigurationNode(node, path: at(name), faults)
        let file = source.optionalText("file")
        let variable = source.optionalText("env")
        // Here the name of a key may be the secret itself.
        source.end(namesKeys: false)
        switch (file, variable) {
        case (let file?, nil): return told(name, sources.file(file))
        case (nil, let variable?): return told(name, sources.variable(variable))
        default:
            fault(name, "expected a text, or either `file: PATH` or `env: NAME`")
            return nil
        }
    }

    /// Whom to trust instead of the system's authorities; `nil` where no file is named, or none is read.
    func authorities(_ name: String, _ sources: SecretSources) -> TrustedAuthorities? {
        guard let file = optionalText(name), let outcome = sources.authorities(file) else { return nil }
        return told(name, outcome)
    }

    private func told<Value>(_ name: String, _ outcome: Result<Value, SecretSources.Failure>) -> Value? {
        switch outcome {
        case .success(let value): return value
        case .failure(let failure):
            fault(name, failure.why)
            return nil
        }
    }

    /// Several secrets: one as above, or a list of them.
    func secrets(_ name: String, _ sources: SecretSources) -> [String] {
        guard let node = member(name), node.sequence != nil else { return secret(name, sources).map { [$0] } ?? [] }
        let elements = sequence(name)
        if elements.isEmpty { fault(name, "is an empty list; expected at least one secret") }
        return elements.enumerated().compactMap { index, element in
            let holder = ConfigurationNode(Node.mapping(.init([(Node("\(index)"), element)])), path: at(name), faults)
            if !holder.has("\(index)") { holder.fault("\(index)", "is empty") }
            return holder.secret("\(index)", sources)
        }
    }

    /// Whether a key looks like one, and not like a value that slipped to the left.
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 40
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0)
            }
            && text.utf8.count { (0x30...0x39).contains($0) } <= 3
    }

    /// Reports every key that nobody asked for.
    func end(namesKeys: Bool = true) {
        for (name, node) in members where !known.contains(name) {
            let nearest = known.map { (name: $0, distance: EditDistance.between(name.lowercased(), $0.lowercased())) }.min {
                $0.distance < $1.distance
            }
            let advice = if let nearest, nearest.distance <= max(2, name.utf8.count / 3) { "; did you mean \(nearest.name)?" } else { "" }
            faults.add(at(namesKeys && Self.isName(name) ? name : "(key)"), node.mark?.line, "this key is not known here\(advice)")
        }
    }
}

extension Node {
    /// Nothing, `null` or `~`.
    fileprivate var isEmpty: Bool {
        guard let scalar else { return false }
        return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
