import HTTPTypes
import Hummingbird

extension Hummingbird.Router {
    /// Answers the methods that a path does not take with 405 and those that it takes: 404 would say that the path is wrong.
    func refuseOthers(at path: RouterPath, than allowed: [HTTPRequest.Method]) {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        let all: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .patch, .options]
        for method in all where !allowed.contains(method) {
            on(path, method: method) { _, _ in Response(status: .methodNotAllowed, headers: [.allow: names]) }
        }
    }
}
