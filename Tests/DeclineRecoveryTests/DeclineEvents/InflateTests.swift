import JSON
import Testing

@testable import DeclineRecovery

/// What was packed by others (Python's gzip and zlib) is unpacked; what would become too much is not.
@Suite struct InflateTests {
    /// "the card is 5 5 5, the card is 5 5 5, the card is 5 5 5, done"
    static let text = "the card is 5 5 5, the card is 5 5 5, the card is 5 5 5, done"
    static let dynamic = Base64.decode(
        "H4sIAAAAAAACA+3QyRVEIQhE0VRIDQEZJP91/zj6vJ1iKXJtRE6ckqqX4qc08yvpVqz4nKuqrzWf52r7F2u//r5FaPY79jbO3t3+dh4x1TlavpL57PbK23vq9RHrvLVaGjsz36m1q3i3Z9+5Fa9nNWX7i8pX1brT3lk3r3aPfKH5bjzrsSMtoe+c70GR8DgyduOYRduL71u1t+po5P0GixPbPqmuabpW2y/b39etvN834Mh9L3XDXOOciLWcMG0dnzLZMaywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCiussMIKK6ywwgorrLDCCius/t7qBwuwy6lAnAAA"
    )!
    static let fixed = Base64.decode("H4sIAAAAAAACAyvJSFVITixKUcgsVjAFQR2FEqKEUvLzUgGnuvIEPQAAAA==")!
    static let zlib = Base64.decode("eJwryUhVSE4sSlHILFYwBUEdhRKihFLy81IBJ+0RbQ==")!

    @Test func whatOthersPackedIsUnpacked() {
        #expect(Inflate.unpacked(Self.fixed, limit: 1 << 16) == Array(Self.text.utf8))
        #expect(Inflate.unpacked(Self.zlib, limit: 1 << 16) == Array(Self.text.utf8))
        #expect(Inflate.unpacked(Self.dynamic, limit: 1 << 20).map { $0.count } == 40_000)
    }

    @Test func whatWouldBecomeTooMuchIsNotUnpacked() {
        #expect(Inflate.unpacked(Self.dynamic, limit: 39_999) == nil && Inflate.isPacked(Self.dynamic))
    }

    @Test func everyCutEndsInNothing() {
        for count in 0..<Self.dynamic.count - 9 { #expect(Inflate.unpacked(Array(Self.dynamic.prefix(count)), limit: 1 << 20) == nil) }
    }
}
