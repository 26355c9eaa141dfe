import DeclineRecovery
import Testing

@testable import Service

@Suite struct NonceMemoryTests {
    private let start = Moment(milliseconds: 1_800_000_000_000)
    private let gateway = GatewayKey("acme", "42")

    private func key(_ nonce: String, _ digest: String = "d") -> NonceMemory.Key { NonceMemory.Key(nonce: nonce, digest: digest)! }

    @Test func aRepeatIsKnownForAsLongAsItsDateLetsItIn() {
        let memory = NonceMemory()
        memory.insert(key("a"), of: gateway, now: start)
        for minute in 1...10 {
            memory.insert(key("n\(minute)"), of: gateway, now: start + .minutes(Int64(minute)))
            #expect(memory.contains(key("a"), of: gateway))
        }
        for minute in 11...30 { memory.insert(key("n\(minute)"), of: gateway, now: start + .minutes(Int64(minute))) }
        #expect(!memory.contains(key("a"), of: gateway))
    }

    @Test func eachGatewayHasItsOwn() {
        let memory = NonceMemory()
        memory.insert(key("a"), of: gateway, now: start)
        #expect(!memory.contains(key("a"), of: GatewayKey("acme", "43")) && !memory.contains(key("a"), of: GatewayKey("other", "42")))
    }

    @Test func theSameNonceForOtherNewsIsNoRepeat() {
        let memory = NonceMemory()
        memory.insert(key("a", "one"), of: gateway, now: start)
        #expect(memory.contains(key("a", "one"), of: gateway) && !memory.contains(key("a", "two"), of: gateway))
    }

    @Test func aFloodOfOneGatewayIsBoundedAndForgetsNothingOfAnother() {
        let memory = NonceMemory(most: 100)
        let other = GatewayKey("other", "42")
        memory.insert(key("kept"), of: other, now: start)
        for number in 0..<10_000 { memory.insert(key("n\(number)"), of: gateway, now: start) }
        #expect(memory.count(of: gateway) <= 200 && memory.contains(key("n9999"), of: gateway) && memory.contains(key("kept"), of: other))
        #expect(
            NonceMemory.Key(nonce: String(repeating: "x", count: 129), digest: "") == nil && NonceMemory.Key(nonce: "", digest: "d") == nil)
    }
}
