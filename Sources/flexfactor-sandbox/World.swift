import Foundation

/// All that the sandbox knows: orders, money, keys, tokens. Lives behind one lock.
struct World: Sendable {
    struct Order: Sendable {
        let id: String
        let mid: String
        let externalID: String
        var state: State
        let placed: Date
        let expiry: Date?
        let amount: Int
        let currency: String
        let isMIT: Bool
        let fate: Fate
        var posts = 1
        var refunded = 0
        let email: String
        /// Whom the list's search finds.
        let payer: String
        /// What time will bring, the soonest first.
        var plan: [(at: Date, step: Step)] = []
    }

    enum State: Int, Sendable {
        case draft, onhold, cancelled, problem, processing, capturerequired, returned, completed, chargeback

        var name: String {
            ["DRAFT", "ONHOLD", "CANCELLED", "PROBLEM", "PROCESSING", "CAPTUREREQUIRED", "RETURNED", "COMPLETED", "CHARGEBACK"][rawValue]
        }
    }

    enum Step: Sendable {
        case process, complete, cancel, expire, refund, chargeback, voidCapture
    }

    /// One movement of money.
    struct Entry: Codable, Sendable {
        let at: Date
        let kind: String
        let orderId: String
        let externalOrderId: String
        let amount: Int
        let currency: String
        let idempotencyKey: String?
    }

    struct Webhook: Sendable {
        let event: String
        let order: Order
        let at: Date
        /// A part of the order that was refunded.
        var part: Int?
        let id = UUID().uuidString.lowercased()

        /// What a refund or a chargeback takes back, in minor units.
        var amount: Int? { part ?? (event == "order.refunded" || event == "payment.chargeback.received" ? order.amount : nil) }
    }

    /// What a bearer token stands for.
    struct Grant: Sendable {
        let mid: String
        let expires: Date
    }

    struct Remembered: Sendable {
        let fingerprint: String
        let status: Int
        let body: String
        let at: Date
    }

    var orders: [String: Order] = [:]
    var byExternal: [String: [String]] = [:]
    var ledger: [Entry] = []
    var keys: [String: Remembered] = [:]
    var bearers: [String: Grant] = [:]
    /// Card numbers by the token that stands for them.
    var vault: [String: String] = [:]
    var faults = Faults()
    var random: SplitMix
    var faultedOnce: Set<String> = []
    /// Calls that were left without any answer, each time.
    var hung = 0
    /// Idempotency keys of requests that are being worked on.
    var inProgress: Set<String> = []
    var outbox: [Webhook] = []
    let clock: Clock

    /// Time that runs faster than the wall's.
    struct Clock: Sendable {
        let start = Date()
        let scale: Double

        func now() -> Date { start.addingTimeInterval(Date().timeIntervalSince(start) * scale) }
    }

    init(seed: UInt64, timeScale: Double) {
        random = SplitMix(state: seed)
        clock = Clock(scale: timeScale)
    }

    mutating func place(
        mid: String, externalID: String, fate: Fate, amount: Int, currency: String, isMIT: Bool, expiry: Date?, key: String?, email: String,
        payer: String
    ) -> (order: Order, status: String) {
        let now = clock.now()
        if isMIT, expiry == nil, let id = byExternal[externalID]?.last, var order = orders[id] {
            // Sync MIT: the same order, as it is by now.
            order.posts += 1
            orders[id] = order
            if case .approveAtPost(let needed) = order.fate, order.posts >= needed, order.state == .processing {
                move(id, to: .completed, key)
            }
            return (orders[id] ?? order, status(of: orders[id] ?? order))
        }
        var order = Order(
            id: UUID().uuidString.lowercased(), mid: mid, externalID: externalID, state: .draft, placed: now, expiry: expiry,
            amount: amount, currency: currency,
            isMIT: isMIT, fate: fate, email: email, payer: payer)
        var final: State?
        if isMIT, let expiry {
            let tenth = max(expiry.timeIntervalSince(now) / 10, 0)
            let early = now.addingTimeInterval(tenth)
            let later = early.addingTimeInterval(min(tenth, 86_400))
            order.plan = [(now.addingTimeInterval(min(tenth / 2, 60)), .process)]
            switch fate {
            case .managedCancel, .decline: order.plan.append((early, .cancel))
            case .approve, .managedApprove: order.plan.append((early, .complete))
            case .refundLater: order.plan += [(early, .complete), (later, .refund)]
            case .chargebackLater: order.plan += [(early, .complete), (later, .chargeback)]
            default: order.plan.append((expiry, .expire))
            }
        } else {
            switch fate {
            case .approve, .managedApprove: final = .completed
            case .refundLater:
                final = .completed
                order.plan = [(now.addingTimeInterval(86_400), .refund)]
            case .chargebackLater:
                final = .completed
                order.plan = [(now.addingTimeInterval(86_400), .chargeback)]
            case .captureRequired:
                final = .capturerequired
                order.plan = [(now.addingTimeInterval(7 * 86_400), .voidCapture)]
            case .approveAtPost(let needed): final = needed <= 1 ? .completed : .processing
            case .decline, .challenge, .managedExpire, .managedCancel: final = isMIT ? .processing : .cancelled
            }
        }
        orders[order.id] = order
        byExternal[externalID, default: []].append(order.id)
        if let final { move(order.id, to: final, key) }
        let placed = orders[order.id] ?? order
        if fate == .challenge, !isMIT { return (placed, "CHALLENGE") }
        return (placed, status(of: placed))
    }

    func status(of order: Order) -> String {
        switch order.state {
        case .completed, .returned, .chargeback: "APPROVED"
        case .capturerequired: "CAPTUREREQUIRED"
        case .cancelled: order.isMIT ? "CANCELLED" : "DECLINED"
        case .draft, .onhold, .problem, .processing: order.isMIT && order.expiry != nil ? "SUBMITTED" : "DECLINED"
        }
    }

    /// The one place where money moves.
    mutating func move(_ id: String, to state: State, _ key: String? = nil, expired: Bool = false) {
        guard var order = orders[id], order.state != state else { return }
        let before = order.state
        order.state = state
        orders[id] = order
        func enter(_ kind: String, _ amount: Int, _ world: inout World) {
            world.ledger.append(
                Entry(
                    at: world.clock.now(), kind: kind, orderId: id, externalOrderId: order.externalID, amount: amount,
                    currency: order.currency,
                    idempotencyKey: key))
        }
        let event: String?
        switch state {
        case .completed:
            enter(before == .capturerequired ? "capture" : "charge", order.amount, &self)
            event = "order.completed"
        case .cancelled:
            if before == .capturerequired { enter("void", order.amount, &self) }
            event = expired ? "order.expired" : before == .draft && !order.isMIT ? nil : "order.cancelled"
        case .returned:
            enter("refund", order.amount - order.refunded, &self)
            orders[id]?.refunded = order.amount
            event = "order.refunded"
        case .chargeback:
            enter("chargeback", order.amount, &self)
            event = "payment.chargeback.received"
        case .capturerequired: event = "order.capturerequired"
        default: event = nil
        }
        if let event { outbox.append(Webhook(event: event, order: order, at: clock.now())) }
    }

    /// Gives a part of an order's money back. The last part is the order's return.
    mutating func refund(_ id: String, _ amount: Int, tellsParts: Bool) {
        guard var order = orders[id] else { return }
        if order.refunded + amount == order.amount { return move(id, to: .returned) }
        order.refunded += amount
        orders[id] = order
        ledger.append(
            Entry(
                at: clock.now(), kind: "refund", orderId: id, externalOrderId: order.externalID, amount: amount, currency: order.currency,
                idempotencyKey: nil))
        if tellsParts { outbox.append(Webhook(event: "order.refunded", order: order, at: clock.now(), part: amount)) }
    }

    /// Brings every order to what it is by now.
    mutating func settleDue() {
        let now = clock.now()
        for id in orders.values.filter({ $0.plan.first.map { $0.at <= now } ?? false }).map(\.id) { settle(id) }
    }

    /// Brings an order to what it is by now.
    mutating func settle(_ id: String) {
        let now = clock.now()
        while let order = orders[id], let next = order.plan.first, next.at <= now {
            orders[id]?.plan.removeFirst()
            let isOpen = [.draft, .processing, .onhold].contains(order.state)
            switch next.step {
            case .process: if order.state == .draft { move(id, to: .processing) }
            case .complete: if isOpen { move(id, to: .completed) }
            case .cancel: if isOpen { move(id, to: .cancelled) }
            case .expire: if isOpen { move(id, to: .cancelled, expired: true) }
            case .voidCapture: if order.state == .capturerequired { move(id, to: .cancelled) }
            case .refund: if order.state == .completed { move(id, to: .returned) }
            case .chargeback: if order.state == .completed { move(id, to: .chargeback) }
            }
        }
    }

    mutating func order(_ id: String) -> Order? {
        settle(id)
        return orders[id]
    }

    /// `nil`: no such order. `false`: not in a state that can be cancelled.
    mutating func cancel(_ id: String) -> Bool? {
        guard let order = order(id) else { return nil }
        switch order.state {
        case .cancelled: return true
        case .capturerequired: break
        case .draft, .processing: if !order.isMIT { return false }
        default: return false
        }
        move(id, to: .cancelled)
        return true
    }
}
