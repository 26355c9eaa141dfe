import DeclineRecovery
import TestSupport
import Testing

@Suite struct UUID5ParsingTests {
    @Test func whatWasWrittenIsReadBackCapitalsAllowed() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<1_000 {
            let id = UUID5(high: random.next(), low: random.next())
            #expect(UUID5(id.description) == id && UUID5(id.description.uppercased()) == id)
            #expect(UUID5(String("(\(id))".dropFirst().dropLast())) == id)
        }
        #expect(UUID5("00000000-0000-0000-0000-000000000000") == UUID5(high: 0, low: 0))
        #expect(UUID5("01234567-89ab-cdef-FEDC-ba9876543210") == UUID5(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210))
    }

    @Test(arguments: [
        "", "0123", "0123456789abcdeffedcba9876543210", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
        "0123456-789ab-cdef-fedc-ba9876543210", "01234567-89ab-cdef-fedcba-9876543210", "01234567-89ab-cdef-fedc-ba987654321g",
        "{1234567-89ab-cdef-fedc-ba9876543210",
        " 1234567-89ab-cdef-fedc-ba9876543210", "+1234567-89ab-cdef-fedc-ba9876543210", "0x234567-89ab-cdef-fedc-ba9876543210",
        "é234567-89ab-cdef-fedc-ba987654321", "01234567_89ab_cdef_fedc_ba9876543210", "------------------------------------",
        "٣1234567-89ab-cdef-fedc-ba987654321",
    ])
    func whatIsNoIDIsRefused(text: String) {
        #expect(UUID5(text) == nil)
    }

    @Test(arguments: [
        "01234567-89ab-cdef-fedc-ba9876543210", "{01234567-89AB-CDEF-FEDC-BA9876543210}", "(01234567-89ab-cdef-fedc-ba9876543210)",
        "0123456789abcdeffedcba9876543210", "{0123456789ABCDEFFEDCBA9876543210}",
    ])
    func aGUIDIsReadInEachOfItsForms(text: String) {
        #expect(UUID5.guid(text) == UUID5(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210))
    }

    @Test(arguments: [
        "", "{}", "{", "(01234567-89ab-cdef-fedc-ba9876543210}", "{01234567-89ab-cdef-fedc-ba9876543210",
        "0123456789abcdeffedcba987654321g",
        "{{01234567-89ab-cdef-fedc-ba9876543210}}", "order-1", "0123456789abcdef-edcba9876543210-", "ééééééééééééééée",
    ])
    func whatIsNoGUIDIsNotReadAsOne(text: String) {
        #expect(UUID5.guid(text) == nil)
    }
}
