package import DeclineRecovery
package import JSON

/// A request to the console's API, out of its HTTP.
package struct ConsoleRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    package let method: Method
    /// The path's parts after `/api`.
    package let path: [String]
    package let query: [String: String]
    /// An object; empty for a GET.
    package let body: JSONValue
    package let person: Person

    package init(method: Method, path: [String], query: [String: String], body: JSONValue, person: Person) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.person = person
    }

    /// What its query may name.
    package var queryNames: [String] {
        switch (method, path) {
        case (.get, ["letters"]): LetterFilter.names + ["offset", "limit"]
        case (.get, ["letters", "groups"]): LetterFilter.names
        case (.get, ["letters", "export"]): LetterFilter.names + ["format"]
        case (.get, ["recoveries"]): ["order", "days"]
        case (.get, ["money"]): MoneyReport.Question.names + ["format"]
        default: []
        }
    }

    /// Refuses what is asked for by a name that is not known: whoever writes `?reson=` wants to see some, and would take all for them.
    func allowQuery() throws(ConsoleError) {
        let known = queryNames
        guard let other = query.keys.filter({ !known.contains($0) }).min() else { return }
        throw .unknownName(other, "in the query of \(method.rawValue) /api/v1/\(path.joined(separator: "/"))", known: known)
    }

    /// A number of the query; what is empty says nothing.
    func number(_ name: String, _ range: ClosedRange<Int>) throws(ConsoleError) -> Int? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .unexpected(name, text, expected: "a whole number of \(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    /// Who asks.
    package struct Person: Sendable, Equatable {
        package let name: String
        package let role: ConsoleRole
        /// No access is configured.
        package let isOpen: Bool
        /// How long a correction of theirs waits for a second person; `nil` where none is asked.
        package let secondPerson: Moment.Span?

        package init(name: String, role: ConsoleRole, isOpen: Bool, secondPerson: Moment.Span? = nil) {
            self.name = name
            self.role = role
            self.isOpen = isOpen
            self.secondPerson = secondPerson
        }

        var by: LetterRecord.Operator { LetterRecord.Operator(name: name, means: .console) }
    }
}

package struct ConsoleResponse: Sendable {
    package let status: Int
    package let body: JSONValue

    static func ok(_ body: JSONValue) -> ConsoleResponse { ConsoleResponse(status: 200, body: body) }
    static func accepted(_ body: JSONValue) -> ConsoleResponse { ConsoleResponse(status: 202, body: body) }
}
