import Broker
import DeclineRecovery
import FleetSupport
import FlexFactor
import Foundation
import TestSupport
import Testing

/// Retries with everything real: the broker, the sandbox, the webhooks over HTTP. A day lasts a second.
@Suite struct RetryTests {
    /// The kinds told of an order, in their order, repeats left out.
    private func kinds(_ crm: CRM, _ order: String) -> [String] {
        var seen: [String] = []
        for result in crm.results where result.orderID == order && result.kind != "nothing_to_cancel" && !seen.contains(result.kind) {
            seen.append(result.kind)
        }
        return seen
    }

    @Test(.timeLimit(.minutes(10)))
    func webhooksTellHowEachEnds() async throws {
        try await Fleet.with(try .retries(days: 10, more: "includeChargebacks: true")) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish(
                [
                    CRM.recycle("APPROVED"), CRM.recycle("EXPIRED", token: "tok_managed_expire"),
                    CRM.recycle("CLOSED", token: "tok_managed_cancel"),
                    CRM.recycle("REFUNDED", token: "tok_refund_later"), CRM.recycle("CHARGEDBACK", token: "tok_chargeback_later"),
                ], key: "decline.recycle")
            try await eventually("all have ended", seconds: 180) {
                kinds(crm, "APPROVED") == ["submitted", "approved"] && kinds(crm, "EXPIRED") == ["submitted", "expired"]
                    && kinds(crm, "CLOSED") == ["submitted", "expired"] && kinds(crm, "REFUNDED") == ["submitted", "approved", "refunded"]
                    && kinds(crm, "CHARGEDBACK") == ["submitted", "approved", "chargeback"]
            }
            #expect(crm.results.contains { $0.orderID == "APPROVED" && $0.reason == "approved_by_webhook" })
            #expect(crm.results.contains { $0.orderID == "CLOSED" && $0.reason == "order_closed" })
            // What only a webhook brings tells the CRM to do the same as what the recovery itself tells.
            let body = try #require(crm.results.first { $0.orderID == "APPROVED" && $0.kind == "approved" }?.body)
            let event = String(decoding: body, as: UTF8.self)
            for part in [
                #""name":"advance_subscription""#, #""gatewayId":"7","method":"as_before""#, #""purchaseId":"88""#, #""billingCycle":7"#,
            ] {
                #expect(event.contains(part), "\(part) in \(event)")
            }
            try await expectTheTruth(crm, fleet, declines: 5)

            let story = try await fleet.salvage("trace", "APPROVED")
            #expect(story.status == 0, "\(story.error)")
            let lines = [
                "passed on to retry, by rule table:nmi/201", "told the CRM: submitted", "told the CRM: approved, approved_by_webhook",
                "ended as approved",
            ]
            for line in lines { #expect(story.output.contains(line), "\(line) in \(story.output)") }
            #expect(try await fleet.salvage("trace", CRM.reference("EXPIRED-R7-88-7"), "--json").output.contains(#""detail":"expired""#))
            #expect(try await fleet.salvage("trace", "NOBODY").status == 1)
            // Of an order that has a letter alone a program is told as well.
            try await fleet.write([.sample(.unknownMerchant, body: CRM.decline("DEAD"), order: "DEAD")])
            let dead = try await fleet.salvage("trace", "DEAD", "--json")
            #expect(dead.status == 1 && dead.output.isEmpty && dead.error.contains("salvage dead show"), "\(dead)")
        }
    }

    /// Refunds and chargebacks that FlexFactor made and no webhook told: its list of orders shows them, once.
    @Test(.timeLimit(.minutes(10)))
    func whatNoWebhookToldTheListTells() async throws {
        var plan = try Fleet.Plan.retries(days: 21, more: "includeChargebacks: true")
        // The list echoes nothing, as documented.
        plan.habits = []
        plan.settings["SALVAGE_POLL_FIRST_SECONDS"] = "1"
        plan.settings["SALVAGE_POLL_LONGEST_SECONDS"] = "3"
        plan.settings["SALVAGE_MONEY_BACK_SECONDS"] = "2"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await fleet.startWorker(["SALVAGE_WEBHOOKS_LISTEN": "none"])
            let crm = try await CRM(fleet.link)
            let orders = ["APPROVED", "REFUNDED", "CHARGEDBACK"]
            try await crm.publish(orders.map { CRM.recycle($0) }, key: "decline.recycle")
            for order in orders {
                try await eventually("\(order) stands at FlexFactor", seconds: 60) { kinds(crm, order).contains("submitted") }
                try await fleet.http("POST", "/sandbox/orders/\(CRM.reference("\(order)-R7-88-7"))/complete")
            }
            // By a poll and by its webhook: what is told twice is claimed twice.
            try await eventually("all are paid", seconds: 180) { orders.allSatisfy { kinds(crm, $0) == ["submitted", "approved"] } }
            try await eventually("each approval was told again", seconds: 180) {
                orders.allSatisfy { order in crm.results.filter { $0.orderID == order && $0.kind == "approved" }.count >= 2 }
            }
            try await fleet.setFaults(#"{"webhookLoss": 1}"#)
            try await fleet.http("POST", "/sandbox/orders/\(CRM.reference("REFUNDED-R7-88-7"))/refund")
            try await fleet.http("POST", "/sandbox/orders/\(CRM.reference("CHARGEDBACK-R7-88-7"))/chargeback")
            try await eventually("all that FlexFactor did is told", seconds: 180) {
                kinds(crm, "REFUNDED") == ["submitted", "approved", "refunded"]
                    && kinds(crm, "CHARGEDBACK") == ["submitted", "approved", "chargeback"]
            }
            let amounts = crm.results.filter { $0.kind == "refunded" }.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(amounts.allSatisfy { $0.contains(#""minorUnits":4999"#) && $0.contains("reverse_sale") }, "\(amounts)")
            // The next lists show the same orders, and there is nothing to be told of them.
            // The log is one worker's after the other's; a line begins with its time.
            func lists() -> [Substring] {
                fleet.workerLog.split(separator: "\n").filter { $0.contains("money went back are listed") }.sorted()
            }
            let listed = lists().count
            try await eventually("more lists were looked at") { lists().count >= listed + 4 }
            #expect(lists().suffix(2).allSatisfy { $0.contains(#""missing":"0""#) && $0.contains(#""count":2"#) }, "\(lists())")
            #expect(Set(crm.results.filter { $0.kind == "refunded" || $0.kind == "chargeback" }.map(\.id)).count == 2)
            #expect(kinds(crm, "APPROVED") == ["submitted", "approved"])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func withAllWebhooksLostPollsTell() async throws {
        var plan = try Fleet.Plan.retries(days: 10)
        plan.faults = #"{"webhookLoss": 1}"#
        let health = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(health)"
        plan.settings["SALVAGE_POLL_FIRST_SECONDS"] = "1"
        plan.settings["SALVAGE_POLL_LONGEST_SECONDS"] = "3"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("APPROVED"), CRM.recycle("EXPIRED", token: "tok_managed_expire")], key: "decline.recycle")
            try await eventually("both have ended", seconds: 180) {
                kinds(crm, "APPROVED") == ["submitted", "approved"] && kinds(crm, "EXPIRED") == ["submitted", "expired"]
            }
            #expect(Set(crm.results.map(\.reason)) == ["submitted", "approved_on_poll", "expired"])
            let metrics = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(health)/metrics").data, as: UTF8.self)
            #expect(metrics.contains(#"salvage_delay_lateness_seconds_count{stage="retry"}"#), "\(metrics)")
            try await expectTheTruth(crm, fleet, declines: 2)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func webhooksTellThoughHalfOfAllLooksFail() async throws {
        try await Fleet.with(try Fleet.Plan.retries(days: 10)) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("APPROVED"), CRM.recycle("EXPIRED", token: "tok_managed_expire")], key: "decline.recycle")
            try await eventually("both are submitted") { crm.results.count { $0.kind == "submitted" } == 2 }
            try await fleet.setFaults(#"{"endpoints": ["orders"], "errorBefore": 0.5}"#)
            try await eventually("both have ended", seconds: 180) { crm.finals.count == 2 }
            #expect(kinds(crm, "APPROVED").last == "approved" && kinds(crm, "EXPIRED").last == "expired")
        }
    }

    /// FlexFactor's clock stands still: it never closes an order by itself.
    @Test(.timeLimit(.minutes(10)))
    func anOrderThatFlexFactorForgetsIsCancelledBeforeItIsToldExpired() async throws {
        var plan = try Fleet.Plan.retries(days: 10)
        plan.sandboxArguments += ["--time-scale", "0.0001"]
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("FORGOTTEN")], key: "decline.recycle")
            try await eventually("it has ended", seconds: 180) { kinds(crm, "FORGOTTEN") == ["submitted", "expired"] }
            // What is closed can take no money any more.
            try await fleet.http("POST", "/sandbox/orders/\(CRM.reference("FORGOTTEN-R7-88-7"))/complete")
            try await expectTheTruth(crm, fleet, declines: 1)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func theCRMCancelsWhatIsOpenAndLearnsTheTruthOfWhatIsPaid() async throws {
        try await Fleet.with(try .retries(days: 20)) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("OPEN", token: "tok_managed_expire"), CRM.recycle("PAID")], key: "decline.recycle")
            try await eventually("one is paid") { kinds(crm, "OPEN") == ["submitted"] && kinds(crm, "PAID").last == "approved" }
            // The command for the third comes before its decline does.
            try await crm.publish([CRM.cancel("OPEN"), CRM.cancel("PAID"), CRM.cancel("EARLY")], key: "command.cancel")
            try await eventually("the cancel is told") { kinds(crm, "OPEN") == ["submitted", "cancelled"] }
            try await crm.publish([CRM.recycle("EARLY")], key: "decline.recycle")
            try await eventually("nothing was sent of what was cancelled before") { kinds(crm, "EARLY") == ["cancelled"] }
            #expect(kinds(crm, "PAID") == ["submitted", "approved"])
            try await expectTheTruth(crm, fleet, declines: 3)
        }
    }

    /// Nobody's command is dropped in silence, and no merchant stops another's orders.
    @Test(.timeLimit(.minutes(10)))
    func aCancelReachesItsOwnMerchantAlone() async throws {
        var plan = try Fleet.Plan.retries(days: 20)
        let twin = plan.configuration.replacing("merchants:\n", with: "").replacing("id: acme", with: "id: twin")
        let bare = Fleet.Plan.oneMerchant().replacing("merchants:\n", with: "").replacing("id: acme", with: "id: bare")
        plan.configuration += "\n" + twin + "\n" + bare
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let letters = try await DeadLetters(fleet.link)
            func of(_ merchant: String, _ body: [UInt8]) -> [UInt8] {
                Array(
                    String(decoding: body, as: UTF8.self).replacing("\"merchantId\":\"acme\"", with: "\"merchantId\":\"\(merchant)\"").utf8)
            }
            // Known before the decline of either comes.
            try await crm.publish([CRM.cancel("SAME"), of("bare", CRM.cancel("LOST"))], key: "command.cancel")
            try await eventually("the command is under way and the other is kept") {
                fleet.workerLog.contains("SAME-R7-88-7") && letters.all.contains { $0.reason == "invalid_event" }
            }
            try await crm.publish([of("twin", CRM.recycle("SAME"))], key: "decline.recycle")
            try await eventually("the twin's is not cancelled", seconds: 180) {
                kinds(crm, "SAME").contains { $0 == "approved" || $0 == "cancelled" }
            }
            #expect(kinds(crm, "SAME") == ["submitted", "approved"])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aSyncRetryIsPostedUntilItIsApproved() async throws {
        var plan = try Fleet.Plan.retries(mode: "sync", days: 20)
        plan.settings["SALVAGE_REPOST_FIRST_SECONDS"] = "1"
        plan.settings["SALVAGE_REPOST_LONGEST_SECONDS"] = "2"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish(
                [
                    CRM.recycle("THIRD", token: "tok_approve_after_3"), CRM.recycle("NEVER", token: "tok_decline"),
                    CRM.recycle("WAITS", token: "tok_approve", advice: "24"), CRM.recycle("TOOLONG", token: "tok_approve", advice: "30"),
                ], key: "decline.recycle")
            try await eventually("two have ended", seconds: 180) {
                kinds(crm, "THIRD") == ["submitted", "approved"] && kinds(crm, "NEVER") == ["submitted", "expired"]
            }
            // The network's wait of an hour is longer than these short days; it is kept all the same.
            let waits = kinds(crm, "WAITS")
            #expect(waits.isEmpty || waits == ["expired"], "\(waits)")
            try await expectTheTruth(crm, fleet, declines: crm.finals.count)
        }
    }

    /// A post that nobody knows the answer of keeps no later one from being made.
    @Test(.timeLimit(.minutes(10)))
    func syncRetriesGoOnWhoseAnswersAreLostAndWhoseWorkersDie() async throws {
        var plan = try Fleet.Plan.retries(mode: "sync", days: 20)
        plan.settings["SALVAGE_RETRY_DAY_SECONDS"] = "15"
        plan.settings["SALVAGE_REPOST_FIRST_SECONDS"] = "1"
        plan.settings["SALVAGE_REPOST_LONGEST_SECONDS"] = "2"
        plan.settings["SALVAGE_SUSPECT_DELIVERIES"] = "1000"
        plan.faults = #"{"endpoints": ["evaluate"], "resetAfter": 0.15}"#
        try await Fleet.with(plan) { fleet in
            var worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let count = 12
            try await crm.publish((0..<count).map { CRM.recycle("S\($0)", token: "tok_approve_after_3") }, key: "decline.recycle")
            for seen in [4, 12] {
                try await eventually("some results are told", seconds: 120) { crm.count >= seen }
                await worker.end(SIGKILL)
                worker = try await fleet.startWorker(waits: false)
            }
            try await eventually("all are approved", seconds: 240) { crm.finals.count == count }
            #expect(try await expectTheTruth(crm, fleet, declines: count) == count)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func onlyWhatFlexFactorSignedIsTaken() async throws {
        let plan = try Fleet.Plan.retries()
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let url = "http://127.0.0.1:\(plan.webhookPort)/webhooks/"
            func post(_ path: String, _ body: String) async throws -> Int { try await TestMachine.http("POST", url + path, body).status }
            #expect(try await post("acme/42", #"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7"}"#) == 401)
            #expect(try await post("acme/43", "{}") == 404)
            #expect(try await post("nobody/42", "{}") == 404)
            #expect(try await post("acme/42", String(repeating: "x", count: 300_000)) == 413)
            #expect(try await TestMachine.http("GET", url + "acme/42").status == 405)

            let crm = try await CRM(fleet.link)
            let key = try #require(HMACSigningKey(base64: Fleet.Plan.webhookKey))
            let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            func signed(_ body: String, at moment: Moment? = nil, host: String? = nil, sent: String? = nil) async throws -> Int {
                var fields = HeaderFields()
                fields.sign(
                    Array(body.utf8), method: "POST", host: host ?? "127.0.0.1:\(plan.webhookPort)", key: key, now: moment ?? now,
                    nonce: "0123456789abcdef0123456789abcdef")
                return try await TestMachine.http("POST", url + "acme/42", sent ?? body, headers: fields.fields).status
            }
            let body = #"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"g-1"}"#
            #expect(try await signed(body, at: now + .minutes(-6)) == 401)
            #expect(try await signed(body, at: now + .minutes(6)) == 401)
            #expect(try await signed(body, host: "elsewhere.example") == 401)
            #expect(try await signed(body, sent: body.replacing("A-R7", with: "B-R7")) == 401)
            #expect(try await signed("not JSON") == 400)
            #expect(crm.count == 0)
            #expect(try await signed(body) == 200)
            // The same again is a repeat: yes is said, and nothing more comes of it.
            #expect(try await signed(body) == 200)
            // Nobody opened that order: a signature alone is no sale.
            try await eventually("it is a letter") { try await fleet.letters("--reason", "untrusted_webhook").count == 1 }
            #expect(crm.count == 0)
        }
    }
}
