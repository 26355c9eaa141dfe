import DeclineRecovery
import JSON
import Operations
import Testing

@testable import Console

/// What stands behind the question mark of a request to the console.
@Suite struct ConsoleAddressTests {
    /// Whoever writes a program reads the one and is answered by the other.
    @Test func whatAQueryMayNameIsWhatTheDocumentSays() throws {
        let document = try JSONValue(parsing: ConsolePage.api.span)
        let paths = try #require(document["paths"]?.object)
        var asked = 0
        for (path, operations) in paths.map({ ($0.name, $0.value) }) {
            for method in [ConsoleRequest.Method.get, .post] {
                guard let operation = operations[method == .get ? "get" : "post"] else { continue }
                let parameters = operation["parameters"]?.array ?? []
                let documented = parameters.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string }
                let request = ConsoleRequest(
                    method: method, path: path.split(separator: "/").map(String.init), query: [:], body: .object([]),
                    person: ConsoleRequest.Person(name: "ada", role: .viewer, isOpen: false))
                #expect(Set(request.queryNames) == Set(documented), "\(path)")
                asked += documented.count
            }
        }
        #expect(asked > 30)
    }

    @Test func aQueryIsReadByName() throws {
        #expect(try ConsoleFront.query("") == [:])
        #expect(try ConsoleFront.query("text=a+b%26c&state=&order") == ["text": "a b&c", "state": "", "order": ""])
    }

    /// The last of them would count, and the other would not be seen to be passed over.
    @Test(arguments: ["state=open&state=replayed", "state=&st%61te=open"])
    func whatIsNamedTwiceIsRefused(query: String) throws {
        do throws(ConsoleError) {
            _ = try ConsoleFront.query(query)
            Issue.record("it is taken")
        } catch {
            #expect(error.status == 400 && error.response.body["error"]?["what"]?.string == "The query names 'state' twice.")
        }
    }
}
