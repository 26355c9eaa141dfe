/// A figure of a report, and what it counts: said once for the command's help, the page and the API.
package enum MoneyFigure: String, Sendable, CaseIterable {
    case declines, offered
    case notOffered = "not_offered"
    case open, recovered, rate, sales, gross, refunded
    case chargedBack = "charged_back"
    case net, fee, gain, times

    package var title: String {
        switch self {
        case .declines: "declines"
        case .offered: "offered"
        case .notOffered: "not offered"
        case .open: "open"
        case .recovered: "recovered"
        case .rate: "rate"
        case .sales: "sales"
        case .gross: "gross"
        case .refunded: "refunded"
        case .chargedBack: "charged back"
        case .net: "net"
        case .fee: "fee"
        case .gain: "gain"
        case .times: "half within"
        }
    }

    package var meaning: String {
        switch self {
        case .declines: "Declines taken in on the days, each once: offered and not offered together. Events that were rejected are none."
        case .offered: "Of these, handed to FlexFactor."
        case .notOffered:
            "Of these, told as skipped, or given up because FlexFactor could not be reached and nothing was sent."
        case .open: "Of the offered, those whose end is not known yet."
        case .recovered:
            "Of the offered, paid by now, whenever that was; before refunds. What was told otherwise first and corrected is among them."
        case .rate: "Recovered of offered. What is open may still raise it."
        case .sales: "Approvals told on the days, whenever the charge was declined; corrections to an approval are among them."
        case .gross: "What these sales came to: what was asked for, as it was told to the CRM."
        case .refunded: "What refunds told on the days gave back, at most what was taken."
        case .chargedBack: "What chargebacks told on the days took back; only of gateways with includeChargebacks."
        case .net: "Gross less refunded and charged back. FlexFactor's fee is not in it."
        case .fee:
            "What FlexFactor keeps of the gross, as the configuration has it of each gateway; what goes back gives none of it back. Rounded by day and kind of decline, half up."
        case .gain: "Net less the fee. Neither is shown where sales are of a gateway whose fee is not configured."
        case .times: "From the decline to the telling of the sale: half of the sales took at most this long."
        }
    }
}
