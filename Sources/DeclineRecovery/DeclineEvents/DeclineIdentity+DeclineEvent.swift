extension DeclineIdentity {
    package init(_ event: DeclineEvent) {
        self.init(merchantID: event.merchantID, source: event.source, id: event.id)
    }
}
