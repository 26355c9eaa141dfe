/// Changes to a JSON value, one after the other (RFC 6902). They are made all or not at all.
package struct JSONPatch: Hashable, Sendable {
    static let maxOperations = 1_000
    /// How much one patch may copy, about in bytes. Without it, copying the document into itself doubles it a thousand times.
    static let copyLimit = 1_024 * 1_024

    package enum Operation: Hashable, Sendable {
        case add(JSONPointer, JSONValue)
        case remove(JSONPointer)
        case replace(JSONPointer, JSONValue)
        case move(from: JSONPointer, to: JSONPointer)
        case copy(from: JSONPointer, to: JSONPointer)
        case test(JSONPointer, JSONValue)
    }

    package let operations: [Operation]

    /// Limits are looked at when the patch is applied.
    package init(_ operations: [Operation]) {
        self.operations = operations
    }

    /// A patch that makes what says `after` (``JSONValue/saysTheSame(as:)``) out of `before`, from additions, removals and replacements only.
    /// Empty where both say the same already; where it would be too many operations, the one that replaces the whole.
    ///
    /// Removals come first and from the end, so that no path shifts under a later operation.
    package static func between(_ before: JSONValue, _ after: JSONValue) -> JSONPatch {
        var removals: [Operation] = []
        var others: [Operation] = []
        for difference in JSONDifference.between(before, after) {
            switch difference.change {
            case .removed: removals.append(.remove(difference.path))
            case .added(let value): others.append(.add(difference.path, value))
            case .changed(_, let value): others.append(.replace(difference.path, value))
            }
        }
        let operations = removals.reversed() + others
        return JSONPatch(operations.count <= maxOperations ? operations : [.replace(JSONPointer(tokens: []), after)])
    }
}

// MARK: - The JSON form

extension JSONPatch {
    /// Reads the JSON form. Members that an operation does not know are passed over, as the RFC says.
    package init(_ value: JSONValue) throws(JSONPatchError) {
        guard let elements = value.array else { throw JSONPatchError(.notAnArray, at: JSONPointer(tokens: [])) }
        try Self.checkCount(elements.count)
        var operations: [Operation] = []
        for (index, element) in elements.enumerated() {
            do throws(JSONPatchError) {
                operations.append(try Operation(element, at: JSONPointer(tokens: [String(index)])))
            } catch {
                throw error.inOperation(index)
            }
        }
        self.init(operations)
    }

    package var json: JSONValue { .array(operations.map(\.json)) }

    fileprivate static func checkCount(_ count: Int) throws(JSONPatchError) {
        if count > maxOperations {
            throw JSONPatchError(.tooManyOperations(count: count, limit: maxOperations), at: JSONPointer(tokens: []))
        }
    }
}

extension JSONPatch.Operation {
    fileprivate init(_ value: JSONValue, at place: JSONPointer) throws(JSONPatchError) {
        guard value.object != nil else { throw JSONPatchError(.notAnObject, at: place) }
        func member(_ name: String) throws(JSONPatchError) -> JSONValue {
            guard let member = value[name] else { throw JSONPatchError(.missing, at: place.appending(name)) }
            return member
        }
        func text(_ name: String) throws(JSONPatchError) -> String {
            guard let text = try member(name).string else { throw JSONPatchError(.notAString, at: place.appending(name)) }
            return text
        }
        func pointer(_ name: String) throws(JSONPatchError) -> JSONPointer {
            guard let pointer = JSONPointer(try text(name)) else { throw JSONPatchError(.notAPointer, at: place.appending(name)) }
            return pointer
        }
        switch try text("op") {
        case "add": self = .add(try pointer("path"), try member("value"))
        case "remove": self = .remove(try pointer("path"))
        case "replace": self = .replace(try pointer("path"), try member("value"))
        case "move": self = .move(from: try pointer("from"), to: try pointer("path"))
        case "copy": self = .copy(from: try pointer("from"), to: try pointer("path"))
        case "test": self = .test(try pointer("path"), try member("value"))
        default: throw JSONPatchError(.unknownOperation, at: place.appending("op"))
        }
    }

    fileprivate var json: JSONValue {
        func object(_ name: String, from: JSONPointer? = nil, path: JSONPointer, value: JSONValue? = nil) -> JSONValue {
            var members = [JSONValue.Member("op", .string(name))]
            if let from { members.append(JSONValue.Member("from", .string(from.description))) }
            members.append(JSONValue.Member("path", .string(path.description)))
            if let value { members.append(JSONValue.Member("value", value)) }
            return .object(members)
        }
        return switch self {
        case .add(let path, let value): object("add", path: path, value: value)
        case .remove(let path): object("remove", path: path)
        case .replace(let path, let value): object("replace", path: path, value: value)
        case .move(let from, let to): object("move", from: from, path: to)
        case .copy(let from, let to): object("copy", from: from, path: to)
        case .test(let path, let value): object("test", path: path, value: value)
        }
    }

    fileprivate var paths: [JSONPointer] {
        switch self {
        case .add(let path, _), .remove(let path), .replace(let path, _), .test(let path, _): [path]
        case .move(let from, let to), .copy(let from, let to): [from, to]
        }
    }
}

// MARK: - Applying

extension JSONPatch {
    /// The value with all operations done. Where one fails, none is done and the error names it.
    package func applied(to value: JSONValue) throws(JSONPatchError) -> JSONValue {
        try Self.checkCount(operations.count)
        var document = value
        var mayCopy = Self.copyLimit
        for (index, operation) in operations.enumerated() {
            do throws(JSONPatchError) {
                try operation.apply(to: &document, mayCopy: &mayCopy)
            } catch {
                throw error.inOperation(index)
            }
        }
        return document
    }
}

extension JSONPatch.Operation {
    fileprivate func apply(to document: inout JSONValue, mayCopy: inout Int) throws(JSONPatchError) {
        for path in paths where path.tokens.count > JSONPointer.maxTokens {
            throw JSONPatchError(.tooManyTokens(limit: JSONPointer.maxTokens), at: path)
        }
        switch self {
        case .add(let path, let value): try document.add(value, at: path)
        case .remove(let path): _ = try document.remove(at: path)
        case .replace(let path, let value): try document.replace(at: path, with: value)
        case .move(let from, let to):
            if from.encloses(to) { throw JSONPatchError(.moveIntoItself, at: to) }
            // The root can be moved to itself only, and an element that stays is not counted out of its array.
            let moved = try document.value(at: from)
            if from == to { return }
            try moved.checkDepth(at: to)
            _ = try document.remove(at: from)
            try document.add(moved, at: to)
        case .copy(let from, let to):
            let copied = try document.value(at: from)
            try copied.checkDepth(at: to)
            guard copied.spend(&mayCopy) else { throw JSONPatchError(.tooMuchCopied(limit: JSONPatch.copyLimit), at: from) }
            try document.add(copied, at: to)
        case .test(let path, let value):
            guard try document.value(at: path).saysTheSame(as: value) else { throw JSONPatchError(.testFailed, at: path) }
        }
    }
}

extension JSONValue {
    fileprivate func value(at path: JSONPointer) throws(JSONPatchError) -> JSONValue {
        var value = self
        for (depth, token) in path.tokens.enumerated() {
            do throws(JSONPatchError.Fault) {
                value = value.child(at: try value.existing(token))
            } catch {
                throw JSONPatchError(error, at: path.prefix(depth + 1))
            }
        }
        return value
    }

    fileprivate mutating func add(_ new: JSONValue, at path: JSONPointer) throws(JSONPatchError) {
        guard !path.tokens.isEmpty else {
            self = new
            return
        }
        try changeParent(of: path) { (parent: inout JSONValue, token: String) throws(JSONPatchError.Fault) in
            switch parent {
            case .object(var members):
                if let position = parent.position(of: token) {
                    members[position] = Member(token, new)
                } else {
                    members.append(Member(token, new))
                }
                parent = .object(members)
            case .array(var elements):
                guard let index = token == "-" ? elements.count : JSONPointer.index(token) else { throw .notAnIndex }
                guard index <= elements.count else { throw .outOfBounds(count: elements.count) }
                elements.insert(new, at: index)
                parent = .array(elements)
            case .null, .bool, .integer, .number, .string: throw .notAContainer
            }
        }
    }

    fileprivate mutating func remove(at path: JSONPointer) throws(JSONPatchError) {
        guard !path.tokens.isEmpty else { throw JSONPatchError(.rootStays, at: path) }
        try changeParent(of: path) { (parent: inout JSONValue, token: String) throws(JSONPatchError.Fault) in
            parent.setChild(at: try parent.existing(token), to: nil)
        }
    }

    fileprivate mutating func replace(at path: JSONPointer, with new: JSONValue) throws(JSONPatchError) {
        guard !path.tokens.isEmpty else {
            self = new
            return
        }
        try changeParent(of: path) { (parent: inout JSONValue, token: String) throws(JSONPatchError.Fault) in
            parent.setChild(at: try parent.existing(token), to: new)
        }
    }

    /// Changes the object or array that holds the place, given with the place's last token. The path must have one.
    private mutating func changeParent(
        of path: JSONPointer, depth: Int = 0, _ change: (inout JSONValue, String) throws(JSONPatchError.Fault) -> Void
    ) throws(JSONPatchError) {
        let token = path.tokens[depth]
        let position: Int
        do throws(JSONPatchError.Fault) {
            if depth == path.tokens.count - 1 { return try change(&self, token) }
            position = try existing(token)
        } catch {
            throw JSONPatchError(error, at: path.prefix(depth + 1))
        }
        var child = child(at: position)
        try child.changeParent(of: path, depth: depth + 1, change)
        setChild(at: position, to: child)
    }

    /// `nil` takes the child out.
    private mutating func setChild(at position: Int, to new: JSONValue?) {
        switch self {
        case .object(var members):
            if let new { members[position] = Member(members[position].name, new) } else { members.remove(at: position) }
            self = .object(members)
        case .array(var elements):
            if let new { elements[position] = new } else { elements.remove(at: position) }
            self = .array(elements)
        case .null, .bool, .integer, .number, .string: break
        }
    }

    private func existing(_ token: String) throws(JSONPatchError.Fault) -> Int {
        if let position = position(of: token) { return position }
        switch self {
        case .object: throw .noSuchMember
        case .array(let elements): throw JSONPointer.index(token) == nil ? .notAnIndex : .outOfBounds(count: elements.count)
        case .null, .bool, .integer, .number, .string: throw .notAContainer
        }
    }

    /// Only moving and copying can nest what the reader let in deeper and deeper.
    fileprivate func checkDepth(at path: JSONPointer) throws(JSONPatchError) {
        guard isNested(atMost: JSONPointer.maxTokens - path.tokens.count) else {
            throw JSONPatchError(.tooDeep(limit: JSONPointer.maxTokens), at: path)
        }
    }

    private func isNested(atMost depth: Int) -> Bool {
        switch self {
        case .array(let elements): depth > 0 && elements.allSatisfy { $0.isNested(atMost: depth - 1) }
        case .object(let members): depth > 0 && members.allSatisfy { $0.value.isNested(atMost: depth - 1) }
        case .null, .bool, .integer, .number, .string: depth >= 0
        }
    }

    /// Takes this value's size from the budget; `false`, and no further counting, as soon as it is spent.
    fileprivate func spend(_ budget: inout Int) -> Bool {
        budget -= 8
        switch self {
        case .null, .bool, .integer: break
        case .number(let text), .string(let text): budget -= text.utf8.count
        case .array(let elements):
            for element in elements where !element.spend(&budget) { return false }
        case .object(let members):
            for member in members {
                budget -= member.name.utf8.count
                if !member.value.spend(&budget) { return false }
            }
        }
        return budget >= 0
    }
}

/// Why a patch cannot be read or applied, and where. Never holds what stood there, in the patch or in the document.
package struct JSONPatchError: Error, Hashable, Sendable, CustomStringConvertible {
    package let fault: Fault
    /// Counted from 0; `nil` where the patch as a whole is at fault.
    package let operation: Int?
    /// In the patch where it cannot be read, in the document where it cannot be applied; as far as the first token that does not hold.
    package let path: JSONPointer

    package enum Fault: Error, Hashable, Sendable {
        case notAnArray
        case notAnObject
        case missing
        case notAString
        case notAPointer
        case unknownOperation
        case tooManyOperations(count: Int, limit: Int)

        case tooManyTokens(limit: Int)
        case noSuchMember
        case notAnIndex
        case outOfBounds(count: Int)
        case notAContainer
        case rootStays
        case moveIntoItself
        case testFailed
        case tooDeep(limit: Int)
        case tooMuchCopied(limit: Int)
    }

    package init(_ fault: Fault, operation: Int? = nil, at path: JSONPointer) {
        self.fault = fault
        self.operation = operation
        self.path = path
    }

    fileprivate func inOperation(_ index: Int) -> JSONPatchError { JSONPatchError(fault, operation: index, at: path) }

    package var advice: String {
        switch fault {
        case .notAnArray, .notAnObject, .missing, .notAString, .notAPointer, .unknownOperation:
            "Mend the patch: it must be an array of operations as RFC 6902 has them."
        case .tooManyOperations, .tooManyTokens, .tooDeep, .tooMuchCopied: "Make the patch smaller, or replace the document as a whole."
        case .rootStays, .moveIntoItself: "Mend the patch: replace the document as a whole, or copy instead of moving."
        case .noSuchMember, .notAnIndex, .outOfBounds, .notAContainer, .testFailed:
            "Look whether the document is the one that the patch was made for; nothing of it was changed."
        }
    }

    package var description: String {
        let what =
            switch fault {
            case .notAnArray: "expected an array of operations"
            case .notAnObject: "expected an object"
            case .missing: "expected this member, which is missing"
            case .notAString: "expected a string"
            case .notAPointer:
                "expected a JSON Pointer: empty or beginning with /, ~ only as ~0 or ~1, at most \(JSONPointer.maxTokens) tokens"
            case .unknownOperation: "expected add, remove, replace, move, copy or test"
            case .tooManyOperations(let count, let limit): "\(count) operations; expected at most \(limit)"
            case .tooManyTokens(let limit): "expected a path of at most \(limit) tokens"
            case .noSuchMember: "expected a member of this name"
            case .notAnIndex: "expected an array index: digits without leading zeros (\"-\" only where something is added)"
            case .outOfBounds(let count): "expected an index within the array, whose length is \(count)"
            case .notAContainer: "expected an object or array around this place"
            case .rootStays: "the whole document cannot be removed"
            case .moveIntoItself: "a value cannot be moved into itself"
            case .testFailed: "expected another value to stand here"
            case .tooDeep(let limit): "what is put here would be nested deeper than \(limit)"
            case .tooMuchCopied(let limit): "the patch copies more than \(limit) bytes in all"
            }
        let whose =
            switch fault {
            case .notAnArray, .notAnObject, .missing, .notAString, .notAPointer, .unknownOperation, .tooManyOperations:
                "not an acceptable JSON Patch"
            default: operation.map { "operation \($0) of the JSON Patch fails" } ?? "the JSON Patch fails"
            }
        return "\(whose) at \(path.tokens.isEmpty ? "the root" : path.description): \(what)"
    }
}
