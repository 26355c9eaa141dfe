/// Where the broker is and how to speak to it.
public struct BrokerConfiguration: Sendable {
    /// Tried in turn, for ever: a link begins with any of them, and goes on with the next when a connection is lost.
    public var hosts: [Host]
    public var virtualHost: String
    public var login: Login
    /// Asked before each attempt, for words that change while the link lives. Runs on the link's thread.
    public var renewal: (@Sendable () -> Renewal)?
    public var tls: TLS?
    /// Seconds between heartbeats; a peer silent for twice as long is given up. 0 turns them off.
    public var heartbeat: Int
    /// What the broker's operators see in its list of connections.
    public var connectionName: String
    /// Milliseconds for one host: connecting, TLS and login together.
    public var connectTimeout: Int
    /// Milliseconds between two rounds of the hosts: full jitter between the first and a ceiling that doubles up to the second.
    public var reconnectDelay: ClosedRange<Int>
    /// Milliseconds after which a subscription that heard nothing and has nothing in hand is made anew: a queue that was deleted and made
    /// again before the broker had told its consumers hands them nothing, and nobody says so.
    var renewsQuietAfter: Int64 = 30_000
    /// Milliseconds for which a publish may stay unconfirmed until the channel of the publishes is opened anew.
    var confirmPatience: Int64 = 5_000
    /// Milliseconds for which a publish waits for the end of an alarm of the broker's; for as long as it lasts where there are none. With a limit
    /// the broker is asked before anything is sent, so that what an alarm keeps from it was not sent.
    package var alarmPatience: Int64?

    public struct Host: Sendable, Hashable, CustomStringConvertible {
        public var name: String
        public var port: UInt16

        public init(_ name: String, port: UInt16) {
            self.name = name
            self.port = port
        }

        public var description: String { "\(name):\(port)" }
    }

    public enum Login: Sendable {
        case plain(user: String, password: Password)
        /// By the client certificate (RabbitMQ's auth_mechanism_ssl).
        case external
    }

    /// What a look at where the login comes from has found.
    public struct Renewal: Sendable {
        /// `nil` leaves the login that was known last.
        public var login: Login?
        /// What is wrong there, or is not taken over: told to whoever gets no connection. Never holds a secret.
        public var remark: String?

        public init(login: Login?, remark: String? = nil) {
            self.login = login
            self.remark = remark
        }
    }

    public struct TLS: Sendable {
        /// PEM file of the authorities to trust; the system's when `nil`.
        public var authorityFile: String?
        /// PEM files of the client's certificate chain and its key.
        public var clientCertificateFile: String?
        public var clientKeyFile: String?
        /// Whether the peer's certificate and its name are checked. Off only for experiments.
        public var verifiesPeer: Bool
        /// The name the certificate must have, where it is not the host's.
        public var serverName: String?

        public init(
            authorityFile: String? = nil, clientCertificateFile: String? = nil, clientKeyFile: String? = nil, verifiesPeer: Bool = true,
            serverName: String? = nil
        ) {
            self.authorityFile = authorityFile
            self.clientCertificateFile = clientCertificateFile
            self.clientKeyFile = clientKeyFile
            self.verifiesPeer = verifiesPeer
            self.serverName = serverName
        }
    }

    public init(
        hosts: [Host], virtualHost: String = "/", login: Login, tls: TLS? = nil, heartbeat: Int = 10, connectionName: String = "",
        connectTimeout: Int = 5_000, reconnectDelay: ClosedRange<Int> = 200...10_000
    ) {
        self.hosts = hosts
        self.virtualHost = virtualHost
        self.login = login
        self.tls = tls
        self.heartbeat = heartbeat
        self.connectionName = connectionName
        self.connectTimeout = connectTimeout
        self.reconnectDelay = reconnectDelay
    }
}

/// A password, which does not print.
public struct Password: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let exposed: String

    public init(_ password: String) {
        exposed = password
    }

    public var description: String { "(password)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
