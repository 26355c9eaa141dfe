/// Where a reader of a message stands, e.g. `$.data.order.items[0]`. It is a text only when a fault is told, and holds nothing that is counted.
struct FieldPath: CustomStringConvertible {
    private struct Step {
        let name: StaticString
        /// Of an element, where the member is a list; negative of the member itself.
        var element: Int32 = -1
    }

    /// Our messages are not deeper; of what is, the last is told.
    private var steps = InlineArray<6, Step>(repeating: Step(name: ""))
    private var count = 0

    /// The message itself.
    static let root = FieldPath()

    func member(_ name: StaticString) -> FieldPath {
        var path = self
        if path.count < path.steps.count { path.count += 1 }
        path.steps[path.count - 1] = Step(name: name)
        return path
    }

    /// Of a list that stands here.
    func element(_ index: Int) -> FieldPath {
        var path = self
        if count > 0 { path.steps[count - 1].element = Int32(clamping: index) }
        return path
    }

    var description: String {
        var text = "$"
        for place in 0..<count {
            text += ".\(steps[place].name)"
            if steps[place].element >= 0 { text += "[\(steps[place].element)]" }
        }
        return text
    }
}
