/// Where a reader of a message stands, e.g. `$.data.order.items[0]`. It is a text only when a fault is told.
struct FieldPath: CustomStringConvertible {
    /// Our messages are not deeper; what is stands together in the last.
    private var steps: (String, String, String, String) = ("", "", "", "")
    private var index: Int?

    /// The message itself.
    static let root = FieldPath()

    func member(_ name: String) -> FieldPath {
        var path = self
        path.index = nil
        let name = index.map { "[\($0)].\(name)" } ?? name
        if path.steps.0.isEmpty {
            path.steps.0 = name
        } else if path.steps.1.isEmpty {
            path.steps.1 = name
        } else if path.steps.2.isEmpty {
            path.steps.2 = name
        } else {
            path.steps.3 += path.steps.3.isEmpty ? name : "." + name
        }
        return path
    }

    /// Of a list that stands here.
    func element(_ index: Int) -> FieldPath {
        var path = self
        path.index = index
        return path
    }

    var description: String {
        var text = "$"
        for step in [steps.0, steps.1, steps.2, steps.3] where !step.isEmpty {
            if step.utf8.first != UInt8(ascii: "[") { text += "." }
            text += step
        }
        return text + (index.map { "[\($0)]" } ?? "")
    }
}
