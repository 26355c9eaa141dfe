import DeclineRecovery

/// The variables by which a process is told its settings, and those that look like one and are none.
enum SettingNames {
    /// Those of docs/configuration.md.
    static let all: Set<String> = [
        "SALVAGE_BROKER_AUTHORITY_FILE", "SALVAGE_BROKER_CERTIFICATE_FILE", "SALVAGE_BROKER_HEARTBEAT_SECONDS",
        "SALVAGE_BROKER_KEY_FILE", "SALVAGE_BROKER_PASSWORD", "SALVAGE_BROKER_PASSWORD_FILE", "SALVAGE_BROKER_SERVER_NAME",
        "SALVAGE_BROKER_URL", "SALVAGE_BROKER_URL_FILE", "SALVAGE_CARD_KEYS", "SALVAGE_CONFIG", "SALVAGE_CONFIG_WATCH_SECONDS",
        "SALVAGE_CONSOLE_LISTEN", "SALVAGE_CONSOLE_URL", "SALVAGE_FLEXFACTOR_CALL_SECONDS", "SALVAGE_HOLD_SECONDS", "SALVAGE_LANES",
        "SALVAGE_LISTEN", "SALVAGE_LOG_FORMAT", "SALVAGE_LOG_LEVEL", "SALVAGE_MONEY_BACK_SECONDS", "SALVAGE_NOTICE_AFTER_SECONDS",
        "SALVAGE_NOTICE_AUTHORITY_FILE", "SALVAGE_NOTICE_SECRET", "SALVAGE_NOTICE_SECRET_FILE", "SALVAGE_NOTICE_URL",
        "SALVAGE_NOTICE_URL_FILE", "SALVAGE_OLDEST_DECLINE_DAYS", "SALVAGE_OPERATOR", "SALVAGE_POLL_FIRST_SECONDS",
        "SALVAGE_POLL_LONGEST_SECONDS", "SALVAGE_PREFETCH_CASCADE", "SALVAGE_PREFETCH_HELD", "SALVAGE_PREFETCH_INTAKE",
        "SALVAGE_PREFETCH_OUTCOMES", "SALVAGE_PREFETCH_RETRY", "SALVAGE_PREFETCH_UNROUTED", "SALVAGE_RECONCILE_MINUTES",
        "SALVAGE_RECONCILE_SETTLE_SECONDS", "SALVAGE_REPLY_PREFIX", "SALVAGE_REPOST_FIRST_SECONDS", "SALVAGE_REPOST_LONGEST_SECONDS",
        "SALVAGE_RETRY_ATTEMPTS", "SALVAGE_RETRY_DAY_SECONDS", "SALVAGE_RETRY_GRACE_SECONDS", "SALVAGE_SHUTDOWN_GRACE_SECONDS",
        "SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS", "SALVAGE_STAGES", "SALVAGE_SUSPECT_DELIVERIES", "SALVAGE_TOPOLOGY_PREFIX",
        "SALVAGE_TRACES_SHARE", "SALVAGE_TRACES_URL", "SALVAGE_WEBHOOKS_HOST", "SALVAGE_WEBHOOKS_LISTEN",
    ]

    private static let host = "_SERVICE_HOST"

    /// The variables that nobody reads, each with the setting that was meant, perhaps: a name that is written wrongly is passed over with what
    /// it was to say, where notices go or which fleet's queues are read.
    ///
    /// To begin all the same is right: a fleet that goes back to the version before has settings of the one behind it. And Kubernetes tells a
    /// pod the addresses of the Services in its namespace, whose names begin with the release's, which is nobody's mistake.
    static func strangers(among names: some Collection<String>) -> [String] {
        let services = names.filter { $0.hasSuffix(host) }.map { String($0.dropLast(host.count)) }
        func isOfService(_ name: String) -> Bool {
            services.contains { service in
                name == service + "_PORT" || name.hasPrefix(service + "_PORT_") || name.hasPrefix(service + "_SERVICE_")
            }
        }
        return names.filter { $0.hasPrefix("SALVAGE_") && !all.contains($0) && !isOfService($0) }.sorted().map { name in
            let near = all.map { (name: $0, distance: EditDistance.between(name, $0)) }.min {
                ($0.distance, $0.name) < ($1.distance, $1.name)
            }
            guard let near, near.distance <= max(2, (name.utf8.count - 8) / 3) else { return name }
            return "\(name) (\(near.name)?)"
        }
    }
}
