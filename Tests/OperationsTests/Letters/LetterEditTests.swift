import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

@Suite struct LetterEditTests {
    private static let body =
        #"{"type":"com.salvage.recovery.work.v1","data":{"minorUnits":4999,"reference":"A1-S0","phase":{"name":"due"},"#
        + #""charge":{"billing":{"city":"Troy"},"shipping":null,"payer":{"email":"a@b.test"},"#
        + #""paymentMethod":{"encryptedCard":"a.b.c.d.e","last4":"1234"},"#
        + #""items":[{"sku":"x","amount":5}],"customerIp":"203.0.113.7","decline":{"responseCode":"201"},"billingX":1}}}"#

    private func letter(_ stage: Stage, _ reason: DeadLetterReason = .refusedByFlexFactor, body: String = body) -> DeadLetter {
        .sample(reason, stage: stage, body: body)
    }

    private func edit(_ patch: String, _ letter: DeadLetter) throws -> Result<LetterEdit, LetterEditRefusal> {
        LetterEdit.apply(try JSONPatch(JSONValue(parsing: Array(patch.utf8).span)), to: letter)
    }

    private func refusal(_ patch: String, _ letter: DeadLetter) throws -> LetterEditRefusal? {
        if case .failure(let refusal) = try edit(patch, letter) { refusal } else { nil }
    }

    /// A patch is kept and shown, so what it takes away again is looked at as well.
    @Test(arguments: [
        (
            #"[{"op":"add","path":"/data/charge/items/0/note","value":"4111111111111111"},{"op":"remove","path":"/data/charge/items/0/note"}]"#,
            true
        ),
        (
            #"[{"op":"add","path":"/data/charge/billing/cvv","value":"123"},{"op":"replace","path":"/data/charge/billing","value":{}}]"#,
            true
        ),
        (#"[{"op":"add","path":"/data/charge/items/0/note","value":"none"},{"op":"remove","path":"/data/charge/items/0/note"}]"#, false),
    ])
    func cardDataThatAPatchTakesAwayAgainIsRefusedAsWell(patch: String, isRefused: Bool) throws {
        #expect(try refusal(patch, letter(.cascade)) == (isRefused ? .cardData : nil))
    }

    // MARK: Where

    @Test(arguments: [
        #"{"op":"replace","path":"/data/charge/billing/city","value":"York"}"#,
        #"{"op":"replace","path":"/data/charge/billing","value":{"city":"York"}}"#,
        #"{"op":"add","path":"/data/charge/shipping","value":{"city":"York"}}"#, #"{"op":"remove","path":"/data/charge/payer/email"}"#,
        #"{"op":"replace","path":"/data/charge/paymentMethod","value":{"encryptedCard":"f.g.h.i.j"}}"#,
        #"{"op":"remove","path":"/data/charge/items/0/amount"}"#,
        #"{"op":"replace","path":"/data/charge/customerIp","value":"203.0.113.8"}"#,
        #"{"op":"copy","from":"/data/charge/billing","path":"/data/charge/shipping"}"#,
        #"{"op":"copy","from":"/data/minorUnits","path":"/data/charge/items/0/amount"}"#,
        #"{"op":"move","from":"/data/charge/payer/email","path":"/data/charge/billing/email"}"#,
        #"{"op":"test","path":"/data/minorUnits","value":4999}"#,
    ])
    func ofARecoveryOnItsWayCustomerAndCardMayBeCorrected(operation: String) throws {
        for stage in [Stage.cascade, .retry, .intake] { #expect(try refusal("[\(operation)]", letter(stage)) == nil) }
    }

    @Test(arguments: [
        (#"{"op":"replace","path":"/data/minorUnits","value":1}"#, "/data/minorUnits"),
        (#"{"op":"replace","path":"/data/reference","value":"B-S0"}"#, "/data/reference"),
        (#"{"op":"replace","path":"/data/phase/name","value":"ready"}"#, "/data/phase/name"),
        (#"{"op":"replace","path":"/data/charge","value":{}}"#, "/data/charge"),
        (#"{"op":"replace","path":"","value":{}}"#, ""),
        (#"{"op":"remove","path":"/data/charge/decline/responseCode"}"#, "/data/charge/decline/responseCode"),
        (#"{"op":"replace","path":"/data/charge/billingX","value":2}"#, "/data/charge/billingX"),
        (#"{"op":"add","path":"/data/charge/billing~1x","value":2}"#, "/data/charge/billing~1x"),
        (#"{"op":"move","from":"/data/phase","path":"/data/charge/billing/phase"}"#, "/data/phase"),
        (#"{"op":"move","from":"/data/charge/billing","path":"/data/phase"}"#, "/data/phase"),
        (#"{"op":"copy","from":"/data/charge/billing","path":"/data/phase"}"#, "/data/phase"),
    ])
    func whatKeepsItFromBeingChargedTwiceMayNot(operation: String, place: String) throws {
        for stage in [Stage.cascade, .retry] {
            let patch = #"[{"op":"replace","path":"/data/charge/billing/city","value":"York"},\#(operation)]"#
            guard case .outside(let path, let allowed)? = try refusal(patch, letter(stage)) else {
                Issue.record("\(operation) was taken at \(stage)")
                continue
            }
            #expect(path.description == place)
            #expect(
                allowed.map(\.description)
                    == ["billing", "shipping", "payer", "paymentMethod", "items", "customerIp"].map { "/data/charge/" + $0 })
        }
        // What the CRM sent is the CRM's: it may be corrected everywhere.
        #expect(try refusal("[\(operation)]", letter(.intake)) == nil)
    }

    @Test func anOutcomeMessageIsNotEditable() throws {
        #expect(try refusal("[]", letter(.outcomes)) == .notEditable(.outcomes))
        #expect(
            try refusal(#"[{"op":"replace","path":"/data/charge/billing/city","value":"York"}]"#, letter(.outcomes))
                == .notEditable(.outcomes))
        #expect(LetterEdit.whyNot(letter(.outcomes)) != nil)
    }

    @Test func whatCanBeEditedIsKnownBeforeItIsTried() {
        #expect(
            LetterEdit.whyNot(letter(.intake)) == nil && LetterEdit.whyNot(letter(.cascade)) == nil
                && LetterEdit.whyNot(letter(.retry)) == nil)
        #expect(LetterEdit.whyNot(letter(.intake, .unreadable, body: "{")) == nil)
        for body in ["{", "{}", #"{"type":"com.salvage.cancellation.v1"}"#, #"{"type":"com.salvage.recovery.work.v2"}"#] {
            #expect(
                LetterEdit.whyNot(letter(.cascade, .unexpectedType, body: body)) != nil
                    && LetterEdit.whyNot(letter(.retry, .unexpectedType, body: body)) != nil
            )
        }
        for stage in Stage.allCases { #expect(LetterEdit.whyNot(letter(stage, .outcomeUnknown)) != nil) }
    }

    // MARK: What

    @Test func cardDataAndTokensAreRefused() throws {
        for value in [
            #"{"token":"tok_1"}"#, #"{"number":"\#(CardNumbers.visa)"}"#, #"{"n":\#(CardNumbers.visa)}"#,
            #"{"encryptedCard":"a.b.c.d.e","cvv":"123"}"#, #"{"cvv":123}"#, #"{"x":{"y":["\#(CardNumbers.visa)"]}}"#,
            #"{"\#(CardNumbers.visa)":1}"#, #""4000 1234 1234 \#(CardNumbers.visa.suffix(4))""#,
        ] {
            for stage in [Stage.intake, .cascade, .retry] {
                let patch = #"[{"op":"add","path":"/data/charge/paymentMethod","value":\#(value)}]"#
                #expect(try refusal(patch, letter(stage)) == .cardData, "\(value)")
            }
        }
    }

    /// Other faults may be corrected first; whether the message may be sent is asked of its marks.
    @Test func aMarkThatStaysBehindIsSeenInWhatComesOut() throws {
        let letter = letter(.intake, body: #"{"data":{"amount":1,"paymentMethod":{"token":"[card token removed]"}}}"#)
        let amount = try edit(#"[{"op":"replace","path":"/data/amount","value":2}]"#, letter).get()
        #expect(CardDataGuard.isMarked(amount.after.bytes) && amount.differences.map(\.path.description) == ["/data/amount"])
        let card = try edit(#"[{"op":"replace","path":"/data/paymentMethod","value":{"encryptedCard":"a.b.c.d.e"}}]"#, letter).get()
        #expect(!CardDataGuard.isMarked(card.after.bytes))
    }

    @Test func anUnreadableMessageIsReplacedAsAWhole() throws {
        for body in ["{", "", "not JSON at all"] {
            let letter = letter(.intake, .unreadable, body: body)
            let edit = try edit(#"[{"op":"add","path":"","value":{"specversion":"1.0"}}]"#, letter).get()
            #expect(edit.before == .null && edit.after == .object([.init("specversion", .string("1.0"))]))
            #expect(try self.edit(#"[{"op":"replace","path":"","value":[1]}]"#, letter).get().after == .array([.integer(1)]))
            guard case .patch(let error)? = try refusal(#"[{"op":"replace","path":"/data","value":1}]"#, letter) else {
                Issue.record("a part of what cannot be read was replaced")
                continue
            }
            #expect(error.fault == .notAContainer)
        }
        guard case .outside? = try refusal(#"[{"op":"add","path":"","value":{}}]"#, letter(.cascade, .unexpectedType, body: "{")) else {
            Issue.record("a stage's message was replaced as a whole")
            return
        }
    }

    @Test func aPatchThatDoesNotFitSaysSo() throws {
        guard case .patch(let error)? = try refusal(#"[{"op":"remove","path":"/data/none"}]"#, letter(.intake)) else {
            Issue.record("it was taken")
            return
        }
        #expect(error.fault == .noSuchMember && error.path.description == "/data/none")
        #expect(
            try refusal(#"[{"op":"test","path":"/data/minorUnits","value":1}]"#, letter(.retry))
                == .patch(JSONPatchError(.testFailed, operation: 0, at: #require(JSONPointer("/data/minorUnits")))))
    }

    @Test func everyRefusalSaysWhatToDoAndShowsNoValue() throws {
        for (patch, stage, words) in [
            (#"[{"op":"replace","path":"/data/minorUnits","value":"CANARY"}]"#, Stage.retry, "/data/charge/billing"),
            (#"[{"op":"add","path":"/data/charge/paymentMethod/cvv","value":"CANARY"}]"#, .retry, "encryptedCard"),
            (#"[{"op":"replace","path":"/data/none","value":"CANARY"}]"#, .intake, "/data/none"), ("[]", .outcomes, "outcomes stage"),
        ] {
            let refusal = try #require(try self.refusal(patch, letter(stage)))
            #expect(refusal.description.contains(words) && !refusal.description.contains("CANARY"), "\(refusal)")
        }
    }

    // MARK: Differences

    @Test func theDifferencesAreWhatWasCorrected() throws {
        let patch =
            #"[{"op":"replace","path":"/data/charge/billing/city","value":"York"},{"op":"remove","path":"/data/charge/payer/email"},"#
            + #"{"op":"add","path":"/data/charge/items/-","value":{"sku":"y"}},"#
            + #"{"op":"replace","path":"/data/charge/customerIp","value":"203.0.113.7"}]"#
        let letter = letter(.retry)
        let edit = try edit(patch, letter).get()
        #expect(edit.before == letter.original.json && edit.patch.operations.count == 4)
        #expect(
            edit.differences.map(\.path.description) == ["/data/charge/billing/city", "/data/charge/payer/email", "/data/charge/items/1"])
        #expect(
            edit.differences.map(\.change) == [
                .changed(.string("Troy"), .string("York")), .removed(.string("a@b.test")), .added(.object([.init("sku", .string("y"))])),
            ])
    }

    @Test func aCorrectionThatChangesNothingHasNoDifferences() throws {
        #expect(try edit("[]", letter(.cascade)).get().differences == [])
        #expect(try edit(#"[{"op":"replace","path":"/data/charge/items/0/amount","value":5.0}]"#, letter(.cascade)).get().differences == [])
    }
}
