import JSON

/// The decline that a retry is made of, as its claims say it: whoever tells the retry's end in its place names the decline by this.
package struct ClaimedDecline: Sendable, Equatable {
    package let gatewayID: GatewayID
    package let verdict: DeclineVerdict
    package let origin: DeclineOrigin

    package init(gatewayID: GatewayID, verdict: DeclineVerdict, origin: DeclineOrigin) {
        self.gatewayID = gatewayID
        self.verdict = verdict
        self.origin = origin
    }
}

extension ClaimedDecline {
    init(reading decline: EnvelopeReader) throws(EnvelopeFault) {
        self.init(
            gatewayID: GatewayID(try decline.text("gatewayId")),
            verdict: DeclineVerdict(declineClass: try decline.word("class"), rule: try decline.text("rule")),
            origin: DeclineOrigin(
                eventID: try decline.optionalText("eventId"), trigger: try decline.optionalWord("trigger"),
                transactionID: try decline.optionalText("transactionId")))
    }

    func write(to decline: inout JSONObjectWriter) {
        decline.member("gatewayId", gatewayID.text)
        decline.member("class", verdict.declineClass.rawValue)
        decline.member("rule", verdict.rule)
        decline.optional("eventId", origin.eventID)
        decline.optional("trigger", origin.trigger?.rawValue)
        decline.optional("transactionId", origin.transactionID)
    }
}
