import DeclineRecovery
import JSON
import Operations
import Service

/// Which orders an outage cost, as `salvage report --lost` shows them.
struct LostReport {
    let lost: LostOrders

    func show(asJSON: Bool) {
        let begins = SystemClock().now() + .days(-90)
        if lost.window.from < begins {
            Terminal.complain("The journal keeps 90 days: of what was before \(begins.rfc3339) nothing is known.")
        }
        if asJSON { return Terminal.show(bytes: lost.json.bytes) }
        let orders = lost.orders
        let time = "from \(lost.window.from.rfc3339) to \(lost.window.until.rfc3339)"
        if orders.isEmpty { return Terminal.show("No order was lost \(time) for want of FlexFactor.") }
        let count = orders.count == 1 ? "One order was" : "\(orders.count) orders were"
        Terminal.show("\(count) not recovered \(time), and nobody had said no")
        Terminal.show()
        Terminal.table(
            ["time", "order", "recovery", "merchant", "gateway", "reason", "amount"],
            orders.map { order in
                [
                    order.at.rfc3339, order.reference.orderID, order.reference.text, order.merchantID?.text ?? "-",
                    order.gatewayID?.text ?? "-", order.reason,
                    order.amount.map { Money.decimal($0.minorUnits, $0.currency.code) + " " + $0.currency.code } ?? "-",
                ]
            })
        Terminal.show()
        Terminal.table(
            ["reason", "orders", "what it means, or what to do"],
            lost.reasons.map { [$0.reason, String($0.count), LostOrders.sentence(of: $0.reason)] })
        Terminal.show("`salvage trace ORDER` tells the story of one; letters among them are at `salvage dead list`.")
    }
}
