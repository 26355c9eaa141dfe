import Hummingbird
import NIOCore

/// Health and metrics over HTTP.
struct HealthFront {
    let health: Health
    let lanes: [Lane]
    let page: @Sendable () -> String

    var router: Hummingbird.Router<BasicRequestContext> {
        // Probes and load balancers ask by HEAD as well.
        let router = Hummingbird.Router(options: .autoGenerateHeadEndpoints)
        router.get("livez") { _, _ in
            let stuck = lanes.indices.filter { lanes[$0].secondsSinceBeat > 30 }
            return stuck.isEmpty
                ? Self.text(.ok, "alive\n") : Self.text(.serviceUnavailable, "lanes without a sign of life for 30 s: \(stuck)\n")
        }
        router.get("readyz") { _, _ in
            let complaints = health.complaints
            return complaints.isEmpty
                ? Self.text(.ok, "ready\n" + health.notes.map { $0 + "\n" }.joined())
                : Self.text(.serviceUnavailable, complaints.map { $0 + "\n" }.joined())
        }
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page())))
        }
        for path in ["livez", "readyz", "metrics"] { router.refuseOthers(at: RouterPath(path), than: [.get, .head]) }
        return router
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
