/// Why the broker, or the way to it, did not do what it was asked.
public enum BrokerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No host of the list could be reached; the last host tried and why.
    case cannotConnect(host: String, why: String)
    /// The broker refused user, password or virtual host.
    case loginRefused(host: String, why: String)
    case tls(host: String, why: String)
    /// The connection was lost in the middle. A message published meanwhile may have arrived.
    case connectionLost(why: String)
    /// The broker closed the connection or the channel, with its reply code (AMQP 0-9-1 §1.2, e.g. 404) and text.
    case refused(code: UInt16, text: String)
    /// This side closed the link.
    case closed
    /// The broker did not answer in time.
    case timedOut(what: String)
    /// The broker has an alarm of its memory or disk and takes no publishes; why, in its own words. Who waits the alarm out never hears it.
    case blocked(reason: String)
    case protocolViolation(String)
    /// Under a stream's name stands another than was read before.
    case anotherStream(String)

    /// What to tell of hosts none of which let us in: the last, and where that was away, of each other as well.
    static func ofSeveralHosts(_ failures: [BrokerError]) -> BrokerError {
        guard let last = failures.last else { return .cannotConnect(host: "", why: "the list of hosts is empty") }
        guard case .cannotConnect(let host, let why) = last, failures.count > 1 else { return last }
        return .cannotConnect(host: host, why: why + "; " + failures.dropLast().map(\.description).joined(separator: "; "))
    }

    /// The same of an attempt at a connection, with what else there is to know of it.
    func with(_ remark: String?) -> BrokerError {
        guard let remark else { return self }
        return switch self {
        case .cannotConnect(let host, let why): .cannotConnect(host: host, why: "\(why); \(remark)")
        case .loginRefused(let host, let why): .loginRefused(host: host, why: "\(why); \(remark)")
        case .tls(let host, let why): .tls(host: host, why: "\(why); \(remark)")
        case .connectionLost(let why): .connectionLost(why: "\(why); \(remark)")
        case .timedOut(let what): .timedOut(what: "\(what); \(remark)")
        case .refused, .closed, .blocked, .protocolViolation, .anotherStream: self
        }
    }

    /// The same of a peer that has not greeted yet: it may be no broker, or one that waits for TLS.
    func beforeGreeting(of host: String, isTLS: Bool) -> BrokerError {
        let hint = isTLS ? "" : "; if that port speaks TLS, the URL begins with amqps://"
        return switch self {
        case .protocolViolation(let what): .cannotConnect(host: host, why: "what answers does not speak AMQP 0-9-1 (\(what))\(hint)")
        // In TLS 1.3 it refuses our certificate only when the handshake is over here.
        case .connectionLost(let why) where isTLS && why.contains("alert"): .tls(host: host, why: why)
        case .connectionLost(let why): .cannotConnect(host: host, why: "\(why) before the broker's greeting\(hint)")
        default: self
        }
    }

    public var isTransient: Bool {
        switch self {
        case .cannotConnect, .connectionLost, .timedOut, .blocked, .protocolViolation: true
        case .refused(let code, _):
            code == ReplyCode.connectionForced || code == ReplyCode.contentTooLarge || code >= ReplyCode.firstOfErrors
        case .loginRefused, .tls, .closed, .anotherStream: false
        }
    }

    /// The way out of an alarm.
    fileprivate static let endingAlarms = "`rabbitmqctl status` at the broker names the alarm: free memory or disk there, then do it again."

    /// `connection limit (3) is reached`, `queue limit in vhost 'v' (7) is reached`.
    private static func namesLimit(_ text: String) -> Bool { text.contains("limit") && text.contains("reached") }

    public var advice: String {
        switch self {
        case .cannotConnect: "Check that the broker runs and that host and port are right."
        case .loginRefused(_, let text) where Self.namesLimit(text), .refused(_, let text) where Self.namesLimit(text):
            "Raise the limit that the broker names, of the virtual host or of the user, or end what uses it up."
        case .loginRefused: "Check user, password, virtual host, and the user's permissions on it."
        case .tls:
            "Check the authority file, the certificate's names and dates, that the port speaks TLS, and whether the broker asks for a client's certificate."
        case .connectionLost, .timedOut: "Look at the broker, at its load and its log; who goes on running connects again by itself."
        case .refused(404, _): "Apply the topology first: something that is named does not exist."
        case .refused(403, _): "Give the broker's user the permission that is missing."
        case .refused(406, _): "What exists differs from what is wanted: compare the arguments."
        case .refused: "Look at the broker's log; it names this connection."
        case .closed: "The link was closed on purpose; open a new one."
        case .blocked: Self.endingAlarms
        case .protocolViolation: "Report this: the broker sent what the protocol does not allow here."
        case .anotherStream: "It was deleted and made anew, or came back empty or without its end: look for its messages first."
        }
    }

    public var description: String {
        switch self {
        case .cannotConnect(let host, let why): "cannot connect to the broker at \(host): \(why)"
        case .loginRefused(let host, let why): "the broker at \(host) refuses the login: \(why)"
        case .tls(let host, let why): "no TLS with the broker at \(host): \(why)"
        case .connectionLost(let why): "the connection to the broker was lost: \(why)"
        case .refused(let code, let text): "the broker refuses (\(code)): \(text)"
        case .closed: "the link to the broker is closed"
        case .timedOut(let what): "the broker did not answer in time: \(what)"
        case .blocked(let reason): "the broker takes no messages (its alarm: \(reason))"
        case .protocolViolation(let what): "the broker broke the protocol: \(what)"
        case .anotherStream(let name): "the stream \(name) is another one than was read before"
        }
    }
}

/// Why a message is not known to be with the broker.
public enum PublishError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No queue takes a mandatory message, the exchange does not exist or refuses us, or the broker does not take such a message.
    case returned(code: UInt16, text: String, exchange: String, routingKey: String)
    /// The broker did not accept it: a full queue, or an internal error.
    case nacked(exchange: String, routingKey: String)
    /// The message does not fit the protocol; nothing was sent.
    case unsendable(String)
    /// The connection was lost before the broker confirmed. The message may have arrived.
    case connectionLost
    /// The broker has an alarm and takes no publishes, for longer than this link waits. Unless it is unsent, the message may have arrived, or yet
    /// arrive.
    case blocked(reason: String, isUnsent: Bool)
    case closed

    public var isTransient: Bool {
        switch self {
        case .nacked, .connectionLost, .blocked: true
        case .returned, .unsendable, .closed: false
        }
    }

    public var advice: String {
        switch self {
        case .returned(406, _, _, _): "The message itself is refused: mend what is named, a header's type or the message's size."
        case .returned(403, _, _, _): "Give the broker's user the permission to write to that exchange."
        case .returned: "Apply the topology: the exchange is missing, or no queue is bound for this routing key."
        case .nacked: "Look at the queue's length limit and at the broker's log."
        case .unsendable: "Shorten the property that is named."
        case .connectionLost: "Publish again; receivers drop repeats by message id."
        case .blocked: BrokerError.endingAlarms
        case .closed: "Open a new link."
        }
    }

    public var description: String {
        switch self {
        case .returned(406, let text, let exchange, let key):
            "the broker refuses a message to exchange '\(exchange)' with key '\(key)' (406 \(text))"
        case .returned(403, let text, let exchange, let key):
            "the broker's user may not write to exchange '\(exchange)' with key '\(key)' (403 \(text))"
        case .returned(let code, let text, let exchange, let key):
            "no queue took a message to exchange '\(exchange)' with key '\(key)' (\(code) \(text))"
        case .nacked(let exchange, let key): "the broker did not accept a message to exchange '\(exchange)' with key '\(key)'"
        case .unsendable(let why): "the message cannot be sent: \(why)"
        case .connectionLost: "the connection was lost before the broker confirmed"
        case .blocked(let reason, let isUnsent):
            "\(BrokerError.blocked(reason: reason)); "
                + (isUnsent ? "what was to be sent was not" : "what was on its way when that began may have arrived, or may yet")
        case .closed: "the link to the broker is closed"
        }
    }
}

/// Why a delivery could not be finished.
public enum FinishError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The delivery's connection is gone: the broker hands the message out again, to whoever is there.
    case deliveryLost
    /// A message that was to replace the delivery is not with the broker. The delivery is still open.
    case publish(PublishError)

    public var isTransient: Bool {
        switch self {
        case .deliveryLost: false
        case .publish(let error): error.isTransient
        }
    }

    public var advice: String {
        switch self {
        case .deliveryLost: "Drop it; the broker redelivers."
        case .publish(let error): error.advice
        }
    }

    public var description: String {
        switch self {
        case .deliveryLost: "the delivery's connection is gone; the broker redelivers the message"
        case .publish(let error): error.description
        }
    }
}
