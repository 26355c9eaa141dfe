import ArgumentParser
import Logging
import Service

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work: consume declines until told to stop (SIGTERM), reload the configuration when it changes or on SIGHUP.",
        discussion: """
            Every flag has a variable, and what has no flag has a variable too;
            docs/configuration.md lists those of other processes as well.

              SALVAGE_CONFIG
                  the file with merchants and gateways (salvage.yaml)
              SALVAGE_CONFIG_WATCH_SECONDS
                  10: how often it and its files of secrets and authorities are looked at
                  for a change; 0 for SIGHUP alone
              SALVAGE_BROKER_URL, _BROKER_URL_FILE
                  amqp[s]://user:password@host[:port][,host...]/vhost
              SALVAGE_BROKER_PASSWORD, _BROKER_PASSWORD_FILE
                  the password, so that the URL needs only a user (amqp://user@host); goes
                  before the URL's. From files user and password are read again at each
                  connect; hosts, virtual host and TLS are those of the start
              SALVAGE_BROKER_AUTHORITY_FILE, _BROKER_CERTIFICATE_FILE, _BROKER_KEY_FILE,
              _BROKER_SERVER_NAME
                  for amqps
              SALVAGE_BROKER_HEARTBEAT_SECONDS
                  10
              SALVAGE_STAGES
                  intake,cascade,retry,outcomes,suspects,unrouted; held always runs
              SALVAGE_TOPOLOGY_PREFIX
                  recovery
              SALVAGE_PREFETCH_INTAKE, _CASCADE, _RETRY, _OUTCOMES
                  256, 1000, 500, 256: messages in work at a time; no gateway takes all of
                  a stage
              SALVAGE_PREFETCH_UNROUTED, _HELD
                  20, 20; suspects are always tried one at a time
              SALVAGE_HOLD_SECONDS
                  900: how long a message is held that cannot be finished; the broker's
                  consumer_timeout must be longer
              SALVAGE_SUSPECT_DELIVERIES
                  3: unfinished deliveries after which a message is tried alone, and then
                  not any more
              SALVAGE_LANES
                  one fewer than cores, at least 1
              SALVAGE_LISTEN
                  0.0.0.0:8080 for /livez, /readyz, /metrics; none for nowhere
              SALVAGE_WEBHOOKS_LISTEN
                  0.0.0.0:8081 for POST /webhooks/MERCHANT/GATEWAY; none for nowhere
              SALVAGE_WEBHOOKS_HOST
                  the host that FlexFactor signs, where a proxy changes it
              SALVAGE_REPLY_PREFIX
                  salvage.reply.: queues of this name may be a decline's reply_to, beside
                  those that the broker names; or none
              SALVAGE_CARD_KEYS
                  KID=FILE[,KID=FILE], or a folder: private keys for encrypted cards
                  (`salvage keys new`)
              SALVAGE_LOG_LEVEL, SALVAGE_LOG_FORMAT
                  info, auto (json unless on a terminal)
              SALVAGE_TRACES_URL, SALVAGE_TRACES_SHARE
                  none, 0.1: an OTLP/HTTP collector, and how many of the traces that begin
                  here it gets
              SALVAGE_SHUTDOWN_GRACE_SECONDS
                  25: how long stopping may take after SIGTERM, work under way included
              SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS
                  5: how long webhooks are taken after SIGTERM while /readyz is 503, until
                  load balancers know
              SALVAGE_FLEXFACTOR_CALL_SECONDS
                  20: the longest that one call may take
              SALVAGE_MONEY_BACK_SECONDS
                  86400: how often orders whose money went back are listed; 0 for never
              SALVAGE_POLL_FIRST_SECONDS, _LONGEST_SECONDS
                  600, 21600: looks at a submitted order, each twice as late as the last
              SALVAGE_REPOST_FIRST_SECONDS, _LONGEST_SECONDS
                  21600, 172800: posts of a sync retry, likewise
              SALVAGE_RETRY_GRACE_SECONDS
                  3600: after expiry, how long FlexFactor has to close the order itself
              SALVAGE_RETRY_ATTEMPTS
                  200: calls in a row that may fail before an unsent retry is given up
              SALVAGE_RETRY_DAY_SECONDS
                  86400: shorter for demonstrations only
              SALVAGE_RECONCILE_SETTLE_SECONDS
                  120: how long "no such order" is not believed, and a closed order not
                  told
              SALVAGE_OLDEST_DECLINE_DAYS
                  30, at most 32: what was declined longer ago is rejected, since what
                  became of it may be forgotten
              SALVAGE_RECONCILE_MINUTES
                  1440: how long an unknown outcome is looked up before a person must look
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Option(help: "The stages to run, with commas between: intake, cascade, retry, outcomes, suspects, unrouted. All by default.")
    var stages: String?
    @Option(help: "HOST:PORT for health and metrics, or none.")
    var listen: String?
    @Option(help: "HOST:PORT for FlexFactor's webhooks, or none.")
    var webhooksListen: String?
    @Option(help: "trace, debug, info, notice, warning, error, critical.")
    var logLevel: String?
    @Option(help: "auto, json, text.")
    var logFormat: String?

    func validate() throws {
        try ValidationError.refuse(empty: [
            ("stages", stages), ("listen", listen), ("webhooks-listen", webhooksListen), ("log-level", logLevel), ("log-format", logFormat),
        ])
    }

    func run() async throws {
        let settings = try broker.settings([
            "config": config.file, "stages": stages, "listen": listen, "webhooks.listen": webhooksListen, "log.level": logLevel,
            "log.format": logFormat,
        ])
        try await Worker.run(settings, logger: Logger.service(settings))
    }
}
