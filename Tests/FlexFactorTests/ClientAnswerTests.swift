import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import FlexFactor

/// What FlexFactor's answers to charges, captures and cancels mean.
@Suite struct ClientAnswerTests {
    private let world = ClientWorld()

    @Test(arguments: [
        ("APPROVED", EvaluationStatus.approved), ("declined", .declined), ("CHALLENGE", .challenge), ("CaptureRequired", .captureRequired),
        ("SUBMITTED", .submitted), ("CANCELLED", .cancelled), ("EXPIRED", .expired), ("PROCESSING", .processing),
        ("BRANDNEW", .unrecognised("BRANDNEW")),
    ])
    func evaluateIsReadByItsStatus(word: String, status: EvaluationStatus) async throws {
        let body = #"{"orderSessionKey":"g-1","orderId":"g-1","success":true,"status":"\#(word)","more":{"x":[1]}}"#
        #expect(try await world.answer(200, body, to: world.evaluate) == .evaluated(status, "g-1"))
    }

    /// It is asked for as it is; something on the way may pack it all the same.
    @Test(arguments: [
        ("gzip", "H4sIAAAAAAACA6tWyi9KSS0KTi0uzszP806tVLJSStc1VNJRKi5JLCktBnIdAwKC/MNcXZRqAYYn/u4tAAAA"),
        ("deflate", "eJyrVsovSkktCk4tLs7Mz/NOrVSyUkrXNVTSUSouSSwpLQZyHQMCgvzDXF2UagFkfw6c"),
    ])
    func aPackedAnswerIsRead(coding: String, packed: String) async throws {
        let body = try #require(Base64.decode(packed))
        func answer(_ body: [UInt8]) async throws -> (FlexFactorAnswer, ScriptedServer) {
            let head = "HTTP/1.1 200 X\r\ncontent-encoding: \(coding)\r\ncontent-length: \(body.count)\r\n\r\n"
            let server = try await world.server { _ in .bytes(Array(head.utf8) + body) }
            return (await world.perform(try world.client(server), world.evaluate), server)
        }
        let (whole, server) = try await answer(body)
        #expect(whole == .evaluated(.approved, "g-1"))
        let asked = try #require(server.requests.last)
        #expect(asked.header("accept-encoding") == "identity" && asked.header("user-agent") == "salvage")
        guard case .failed(.unknown(.unreadable)) = try await answer(Array(body.prefix(20))).0 else {
            Issue.record("half an answer was read")
            return
        }
    }

    /// Its order says which of the two holds.
    @Test func anApprovalWithoutSuccessIsNone() async throws {
        let body = #"{"orderSessionKey":"g-1","status":"APPROVED","success":false,"errors":[]}"#
        #expect(try await world.answer(200, body, to: world.evaluate) == .evaluated(.unrecognised("APPROVED, success false"), "g-1"))
        // Of a decline it is what FlexFactor says.
        let declined = #"{"orderSessionKey":"g-1","status":"DECLINED","success":false}"#
        #expect(try await world.answer(200, declined, to: world.evaluate) == .evaluated(.declined, "g-1"))
    }

    /// Its ids are GUIDs, and one goes into the result, the journal and the claims.
    @Test(arguments: ["4012888888881881", "4111-1111-1111-1111"])
    func anOrderIDThatReadsAsACardNumberIsNone(id: String) async throws {
        let body = #"{"orderSessionKey":"\#(id)","status":"APPROVED"}"#
        #expect(try await world.answer(200, body, to: world.evaluate) == .evaluated(.approved, nil))
    }

    /// What writes it has no order to name, and the ways by our reference stay open.
    @Test(
        arguments: [
            (#""orderSessionKey":"00000000-0000-0000-0000-000000000000""#, nil), (#""orderSessionKey":"""#, nil),
            (#""orderSessionKey":"00000000-0000-0000-0000-000000000000","orderId":"g-1""#, "g-1"),
        ] as [(String, FlexFactorOrderID?)])
    func theEmptyIDNamesNoOrder(ids: String, order: FlexFactorOrderID?) async throws {
        let body = "{\(ids),\"status\":\"CHALLENGE\"}"
        #expect(try await world.answer(200, body, to: world.evaluate) == .evaluated(.challenge, order))
    }

    @Test(arguments: [
        ("", "application/json"), ("<html>maintenance</html>", "text/html"), ("[]", "application/json"),
        (#"{"success":true}"#, "application/json"),
        (#"{"status":5}"#, "application/json"),
    ])
    func aSuccessThatCannotBeReadIsUnknown(body: String, type: String) async throws {
        guard case .failed(.unknown(.unreadable)) = try await world.answer(200, body, type: type, to: world.evaluate) else {
            Issue.record("expected unknown")
            return
        }
    }

    @Test(arguments: [500, 502, 503, 504, 408, 302])
    func aServerErrorIsUnknown(status: Int) async throws {
        #expect(
            try await world.answer(status, "<html>", type: "text/html", to: world.evaluate)
                == .failed(.unknown(.serverError(status: status))))
    }

    @Test func throttlingConflictAndRefusalAreNotUnknown() async throws {
        #expect(try await world.answer(429, "", to: world.evaluate) == .failed(.throttled(retryAfter: nil)))
        #expect(
            try await world.answer(429, "", headers: "retry-after: 7\r\n", to: world.evaluate)
                == .failed(.throttled(retryAfter: .seconds(7))))
        #expect(
            try await world.answer(429, "", headers: "retry-after: Fri, 02 Jan 2026 03:05:06 GMT\r\n", to: world.evaluate)
                == .failed(.throttled(retryAfter: .seconds(60))))
        #expect(try await world.answer(409, "{}", to: world.evaluate) == .failed(.conflict))
    }

    /// Whatever it says and however: nobody waits for years, nor for no time because a date is long gone.
    @Test(arguments: [
        ("100000", Moment.Span.days(1)), ("9223372036854775807", .days(1)), ("Fri, 01 Jan 2100 00:00:00 GMT", .days(1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", .days(1)), ("Thu, 01 Jan 1970 00:00:00 GMT", .seconds(0)),
    ])
    func noThrottlingLastsLongerThanADay(said: String, wait: Moment.Span) async throws {
        #expect(
            try await world.answer(429, "", headers: "retry-after: \(said)\r\n", to: world.evaluate)
                == .failed(.throttled(retryAfter: wait)))
    }

    /// Whoever says so may stand before FlexFactor: it speaks of the way there, and not of the request.
    @Test(arguments: [
        (403, ""), (404, "<html>Not Found</html>"), (405, ""), (410, ""), (403, #"{"message":"Forbidden"}"#),
        (400, "<html>Bad Request</html>"), (422, "{}"),
        (404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#),
    ])
    func aBarredWayIsUnknown(status: Int, body: String) async throws {
        #expect(try await world.answer(status, body, to: world.evaluate) == .failed(.unknown(.barred(status: status))))
    }

    @Test(arguments: [
        #"{"status":400,"title":"One or more validation errors occurred.","traceId":"00-1","errors":{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"]}}"#,
        #"{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"],"TraceId":["00-1"]}"#,
        #"{"status":"400","errors":{"Transaction.Id":["The Id field is required."],"OrderId":["a","b"],"TraceId":["00-1"]}}"#,
    ])
    func fieldErrorsAreReadFromBothShapes(body: String) async throws {
        let errors = [("Transaction.Id", "The Id field is required."), ("OrderId", "a"), ("OrderId", "b")].map {
            FieldError(path: $0, message: $1)
        }
        #expect(try await world.answer(400, body, to: world.evaluate) == .failed(.refused(status: 400, errors)))
    }

    @Test func aFieldErrorThatQuotesACardIsRedacted() async throws {
        let number = "41" + String(repeating: "1", count: 14)
        guard
            case .failed(.refused(_, let errors)) = try await world.answer(
                400, #"{"CardNumber":["\#(number) is not valid"]}"#, to: world.evaluate)
        else {
            Issue.record("expected a refusal")
            return
        }
        #expect(errors.count == 1 && !errors[0].message.contains(number))
    }

    /// What was sent in confidence comes back where FlexFactor quotes it, and goes into logs, results and letters.
    @Test func aFieldErrorQuotesNeitherKeyNorToken() async throws {
        let said = "bad app-key app-secret env-key jwt-1 TOK_APPROVE, cut"
        guard
            case .failed(.refused(_, let errors)) = try await world.answer(
                400, #"{"paymentMethod.tok_approve":["\#(said) tok_approv"],"IdempotencyKey":["The IdempotencyKey field is required."]}"#,
                to: world.evaluate)
        else {
            Issue.record("expected a refusal")
            return
        }
        let withheld = "(withheld)"
        #expect(
            errors == [
                FieldError(
                    path: "paymentMethod.\(withheld)",
                    message: "bad \(withheld) \(withheld) \(withheld) \(withheld) \(withheld), cut tok_approv"),
                FieldError(path: "IdempotencyKey", message: "The IdempotencyKey field is required."),
            ])
    }

    /// Of what a refund was refused for nothing else is quoted either.
    @Test func aRefusedRefundQuotesNoKey() async throws {
        let refund = FlexFactorCall.refund("order-1", Money(minorUnits: 100, currency: .usd))
        let answer = try await world.answer(
            200, #"{"status":"FAILED","responseCode":"app-secret","errors":[{"item1":"no app-secret"}]}"#, to: refund)
        #expect(answer == .refundFailed(code: "(withheld)", "no (withheld)"))
    }

    /// Clients are to tolerate fields and sizes that vary: what is legal JSON and charged must be told. But not two words for one name.
    @Test func oddButLegalAnswersAreRead() async throws {
        let rest = #""status":"APPROVED","orderSessionKey":"g-1"}"#
        let long = "{\"note\":\"" + String(repeating: "x", count: 1_500_000) + "\","
        let deep = "{\"d\":" + String(repeating: "[", count: 70) + String(repeating: "]", count: 70) + ","
        for odd in ["\u{FEFF}{", #"{"n":"\ud83d","#, #"{"x":1,"x":2,"#, #"{"status":"APPROVED","#, long, deep] {
            #expect(try await world.answer(200, odd + rest, to: world.evaluate) == .evaluated(.approved, "g-1"), "\(odd.prefix(40))")
        }
        for unclear in [#"{"status":"DECLINED","#, #"{"orderSessionKey":"g-2","#] {
            guard case .failed(.unknown) = try await world.answer(200, unclear + rest, to: world.evaluate) else {
                Issue.record("\(unclear) was believed")
                return
            }
        }
    }

    /// What is under way is not given back yet, and two words are none.
    @Test func aRefundIsDoneWhereItsAnswerSaysNothingElse() async throws {
        let refund = FlexFactorCall.refund("g-1", Money(minorUnits: 500, currency: .usd))
        for done in [
            #"{"status":"SUCCESS","responseMessage":"DECLINED"}"#, #"{"status":"approved"}"#, #"{"success":true}"#,
            #"{"success":true,"status":"SUCCESS"}"#,
        ] {
            #expect(try await world.answer(200, done, to: refund) == .refunded, "\(done)")
        }
        let failed = #"{"success":false,"status":"FAILED","responseCode":"2001","responseMessage":"too much"}"#
        #expect(try await world.answer(200, failed, to: refund) == .refundFailed(code: "2001", "too much"))
        for unclear in [
            #"{"success":true,"status":"PENDING"}"#, #"{"success":false,"status":"SUCCESS"}"#, #"{"success":true,"status":"FAILED"}"#, "{}",
        ] {
            guard case .failed(.unknown) = try await world.answer(200, unclear, to: refund) else {
                Issue.record("\(unclear) was believed")
                continue
            }
        }
    }

    @Test func cancelsAndCapturesAreReadAsFlexFactorMeansThem() async throws {
        let capture = FlexFactorCall.capture("g-1", Money(minorUnits: 4_999, currency: .usd), idempotencyKey: UUID5(high: 1, low: 2))
        #expect(try await world.answer(200, "", to: .cancel("g-1")) == .cancelAccepted)
        #expect(try await world.answer(400, "{}", to: .cancel("g-1")) == .cancelRefused)
        #expect(try await world.answer(200, #"{"status":"SUCCESS"}"#, to: capture) == .captured)
        #expect(try await world.answer(200, #"{"captureStatus":"SUCCESS"}"#, to: capture) == .captured)
        #expect(try await world.answer(200, #"{"status":"FAILED","responseCode":"2001"}"#, to: capture) == .captureFailed(code: "2001"))
        // The processor's word beside a success decides nothing.
        #expect(try await world.answer(200, #"{"status":"SUCCESS","responseMessage":"FAILED"}"#, to: capture) == .captured)
        for unclear in [
            #"{"status":"MAYBE"}"#, #"{"status":"SUCCESS","success":false}"#, #"{"status":"FAILED","success":true}"#,
            #"{"status":"FAILED","captureStatus":"SUCCESS"}"#,
        ] {
            guard case .failed(.unknown) = try await world.answer(200, unclear, to: capture) else {
                Issue.record("\(unclear) was believed")
                continue
            }
        }
    }
}
