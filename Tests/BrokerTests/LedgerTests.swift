import Testing

@testable import Broker

@Suite struct ConfirmLedgerTests {
    private func settled(_ ledger: inout ConfirmLedger<Int>, _ tag: UInt64, multiple: Bool = false) -> [Int] {
        var out: [Int] = []
        ledger.settle(tag, multiple: multiple) { out.append($0) }
        return out
    }

    @Test func everyEntryLeavesOnceInWhateverOrderTheBrokerSettles() {
        var ledger = ConfirmLedger<Int>()
        for number in 1...6 { ledger.append(number) }
        #expect(settled(&ledger, 3) == [3])
        #expect(settled(&ledger, 3) == [])
        #expect(settled(&ledger, 4, multiple: true) == [1, 2, 4])
        #expect(settled(&ledger, 2) == [])
        #expect(settled(&ledger, 9) == [])
        #expect(ledger.outstanding == 2)
        ledger.append(7)
        #expect(settled(&ledger, 7, multiple: true) == [5, 6, 7])
        #expect(ledger.outstanding == 0)
    }

    @Test func aFreshChannelCountsFromOneAgain() {
        var ledger = ConfirmLedger<Int>()
        ledger.append(1)
        ledger.append(2)
        #expect(settled(&ledger, 1) == [1])
        #expect(ledger.removeAll() == [2])
        ledger.append(3)
        #expect(settled(&ledger, 1) == [3])
    }
}

@Suite struct AcknowledgementLedgerTests {
    @Test func theUnbrokenFrontIsAcknowledgedAtOnceAndTheRestSingly() {
        var ledger = AcknowledgementLedger()
        for tag in 1...8 { ledger.delivered(UInt64(tag)) }
        for tag in [2, 1, 3, 6] { ledger.finish(UInt64(tag)) }
        #expect(ledger.acknowledgements() == [.upTo(3), .only(6)])
        #expect(ledger.acknowledgements() == [])
        // 6 is gone already, so the front reaches to 7, and 7 is the tag to name.
        for tag in [4, 5, 7] { ledger.finish(UInt64(tag)) }
        #expect(ledger.acknowledgements() == [.upTo(7)])
        #expect(ledger.outstanding == 1)
    }

    @Test func theTagNamedIsAlwaysOneThatIsStillOpen() {
        var ledger = AcknowledgementLedger()
        for tag in 1...3 { ledger.delivered(UInt64(tag)) }
        ledger.finish(3)
        #expect(ledger.acknowledgements() == [.only(3)])
        ledger.finish(1)
        ledger.finish(2)
        // 3 would be the end of the run, but naming it again breaks the channel.
        #expect(ledger.acknowledgements() == [.upTo(2)])
    }

    @Test func finishingOrHandingBackTwiceIsHarmless() {
        var ledger = AcknowledgementLedger()
        ledger.delivered(1)
        ledger.finish(1)
        ledger.finish(1)
        ledger.finish(99)
        #expect(ledger.acknowledgements() == [.upTo(1)])
        let isHandedBack = ledger.handBack(1)
        #expect(!isHandedBack)
    }
}

@Suite struct BrokerURLTests {
    @Test func everyPartIsRead() throws {
        let configuration = try BrokerConfiguration(url: "amqps://sal%40vage:p%2Fw%3A@one,two:6000,[::1]:7/a%2Fb")
        #expect(configuration.hosts == [.init("one", port: 5671), .init("two", port: 6000), .init("::1", port: 7)])
        #expect(configuration.virtualHost == "a/b")
        #expect(configuration.tls != nil)
        guard case .plain(let user, let password) = configuration.login else { return #expect(Bool(false)) }
        #expect(user == "sal@vage")
        #expect(password.exposed == "p/w:")
    }

    @Test(arguments: ["amqp://h", "amqp://h/", "amqp://guest:guest@h:5672"])
    func shortFormsHaveTheUsualDefaults(url: String) throws {
        let configuration = try BrokerConfiguration(url: url)
        #expect(configuration.hosts == [.init("h", port: 5672)])
        #expect(configuration.virtualHost == "/")
        #expect(configuration.tls == nil)
    }

    @Test(arguments: [
        "http://u:canary@h", "amqp://", "amqp://u:canary@", "amqp://u:canary@h:x", "amqp://u:canary@h:0", "amqp://u:canary@h:70000",
        "amqp://canary@h",
        "amqp://u:canary%2@h", "amqp://u:canary%FF@h", "amqp://u:canary@h/a/b", "amqp://u:canary@h?x=1", "amqp://u:canary@[::1",
        "amqp://u:canary@h,,i",
    ])
    func aFaultIsNamedWithoutThePassword(url: String) {
        let error = #expect(throws: BrokerURLError.self) { try BrokerConfiguration(url: url) }
        #expect(error?.description.contains("canary") == false)
    }

    /// Whoever named several hosts learns of each why it was not to be reached.
    @Test func eachHostThatIsAwayIsNamed() {
        func away(_ host: String) -> BrokerError { .cannotConnect(host: host, why: "refused") }
        let all = BrokerError.ofSeveralHosts([away("one:5672"), away("two:5672")]).description
        #expect(all.contains("one:5672: refused") && all.contains("two:5672: refused"))
        #expect(BrokerError.ofSeveralHosts([away("one:5672")]) == away("one:5672"))
        let refused = BrokerError.loginRefused(host: "two:5672", why: "no")
        #expect(BrokerError.ofSeveralHosts([away("one:5672"), refused]) == refused, "somebody is there")
    }

    @Test func aPasswordDoesNotPrint() throws {
        let configuration = try BrokerConfiguration(url: "amqp://u:canary@h")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("canary"))
        #expect(!"\(configuration)".contains("canary"))
    }
}
