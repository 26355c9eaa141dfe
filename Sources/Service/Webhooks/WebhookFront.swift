import DeclineRecovery
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// The HTTP side of the webhooks: `POST /webhooks/MERCHANT/GATEWAY`, both percent-encoded. Any content type; the body is what counts.
struct WebhookFront {
    let receiver: WebhookReceiver
    private let bodyLimit = WebhookNews.mostBytes

    var router: Hummingbird.Router<BasicRequestContext> {
        let router = Hummingbird.Router()
        let receiver = receiver
        let bodyLimit = bodyLimit
        router.post("webhooks/:merchant/:gateway") { request, context in
            let merchant = try context.parameters.require("merchant").percentDecoded
            let gateway = try context.parameters.require("gateway").percentDecoded
            // Throws 413 beyond the limit.
            let body = try await request.body.collect(upTo: bodyLimit)
            let headers = request.headers
            let answer = await receiver.receive(
                merchant: MerchantID(merchant), gateway: GatewayID(gateway), host: request.head.authority ?? "",
                body: Array(body.readableBytesView),
                header: { name in HTTPField.Name(name).flatMap { headers[$0] } })
            return Response(
                status: .init(code: answer.status), headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: answer.words + "\n")))
        }
        router.refuseOthers(at: "webhooks/:merchant/:gateway", than: [.post])
        return router
    }
}
