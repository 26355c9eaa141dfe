import Broker
import Configuration

/// User and password where they stand in files: read again before each connection, for whoever rotates them changes the files and not
/// the process. All is read as it was at the start, so that what goes before what is the same; what cannot be read leaves what was known.
///
/// Hosts, virtual host and TLS stay those of the start: what a process has in work is at that broker, and so are the claims by which nobody
/// is charged twice.
enum BrokerLogin {
    static func words(_ login: BrokerConfiguration.Login, password: String?) -> BrokerConfiguration.Login {
        if case .plain(let user, _) = login, let password { .plain(user: user, password: Password(password)) } else { login }
    }

    static func renewal(of known: BrokerConfiguration, from reader: ConfigReader) -> @Sendable () -> BrokerConfiguration.Renewal {
        let (hosts, virtualHost, isSecure) = (Set(known.hosts), known.virtualHost, known.tls != nil)
        return {
            let settings = SettingsReader(reader)
            let read = settings.broker()
            if !settings.faults.isEmpty { return BrokerConfiguration.Renewal(login: nil, remark: settings.faults.joined(separator: "; ")) }
            var others: [String] = []
            if Set(read.hosts) != hosts { others.append("other hosts") }
            if read.virtualHost != virtualHost { others.append("another virtual host") }
            if (read.tls != nil) != isSecure { others.append(isSecure ? "amqp for amqps" : "amqps for amqp") }
            let remark =
                others.isEmpty
                ? nil
                : "\(SettingsReader.variable("broker.urlFile")) has \(others.joined(separator: ", ")) now, which a process takes when it starts: restart this one"
            return BrokerConfiguration.Renewal(login: read.login, remark: remark)
        }
    }
}
