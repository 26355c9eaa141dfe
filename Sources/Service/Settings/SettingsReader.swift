import Broker
import Configuration
import DeclineRecovery
import FlexFactor
import FoundationEssentials

/// Reads settings and gathers what is wrong with them.
final class SettingsReader {
    private let reader: ConfigReader
    private(set) var faults: [String] = []

    init(_ reader: ConfigReader) {
        self.reader = reader
    }

    static func variable(_ key: String) -> String {
        var name = "SALVAGE_"
        for letter in key {
            if letter.isUppercase { name += "_" }
            name += letter == "." ? "_" : letter.uppercased()
        }
        return name
    }

    func optional(_ key: String, isSecret: Bool = false) -> String? {
        let text = reader.string(forKey: ConfigKey("salvage." + key), isSecret: isSecret)
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    func text(_ key: String, default fallback: String) -> String { optional(key) ?? fallback }

    func parsed<Value>(_ key: String, default fallback: Value, _ expected: String, _ read: (String) -> Value?) -> Value {
        guard let text = optional(key) else { return fallback }
        guard let value = read(text) else {
            faults.append(
                "\(Self.variable(key)): expected \(expected)\(text.utf8.count <= 8 && CardDataGuard.finding(in: text) == nil ? ", found '\(text)'" : "")"
            )
            return fallback
        }
        return value
    }

    /// A host, which may have a port behind it; `nil` where none is given. An address with a scheme or a path is none.
    func hostName(_ key: String, _ expected: String) -> String? {
        parsed(key, default: nil, expected) { text in
            let isName = text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || ".-_:[]*".utf8.contains(byte)
            }
            return isName && text.utf8.count <= 260 ? .some(text) : nil
        }
    }

    func count(_ key: String, _ range: ClosedRange<Int>, default fallback: Int) -> Int {
        parsed(key, default: fallback, "a whole number of \(range.lowerBound)...\(range.upperBound)") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func seconds(_ key: String, _ range: ClosedRange<Int>, default fallback: Int) -> Moment.Span {
        .seconds(Int64(count(key, range, default: fallback)))
    }

    /// Seconds that another setting ends: what is set beyond it would never count. What is not set gives way to the other.
    func seconds(_ key: String, _ range: ClosedRange<Int>, default fallback: Int, upTo other: String, _ end: Moment.Span) -> Moment.Span {
        let span = seconds(key, range, default: fallback)
        if span > end, let text = optional(key), Int64(text) == span.milliseconds / 1_000 {
            faults.append(
                "\(Self.variable(key)): expected no more than \(Self.variable(other)), which is \(end.milliseconds / 1_000), found '\(text)'"
            )
        }
        return span
    }

    /// A secret: the text itself, or the file that `<key>File` names.
    private func secret(_ key: String) -> String? {
        if let text = optional(key, isSecret: true) { return text }
        guard let file = optional(key + "File") else { return nil }
        switch SecretSources(besides: "./settings").file(file) {
        case .success(let text): return text
        case .failure(let failure):
            faults.append("\(Self.variable(key + "File")): \(failure.why)")
            return nil
        }
    }

    private func isInFile(_ key: String) -> Bool { optional(key, isSecret: true) == nil && optional(key + "File") != nil }

    /// The authorities of the file that is named; `nil` where none is, or it holds none.
    private func authorities(_ key: String) -> TrustedAuthorities? {
        guard let file = optional(key), let outcome = SecretSources(besides: "./settings").authorities(file) else { return nil }
        switch outcome {
        case .success(let authorities): return authorities
        case .failure(let failure):
            faults.append("\(Self.variable(key)): \(failure.why)")
            return nil
        }
    }

    /// `kid=file` pairs or folders, with commas between.
    func cardKeys() -> CardKeyRing {
        do throws(CardKeyRing.Faults) {
            return try CardKeyRing(optional("cardKeys") ?? "")
        } catch {
            for fault in error.list { faults.append("\(Self.variable("cardKeys")): \(fault)") }
            return CardKeyRing()
        }
    }

    /// Where notices go; `nil` where nobody wants them.
    func notices() -> NoticeSettings? {
        let patience = Moment.Span.seconds(Int64(count("notice.afterSeconds", 1...3_600, default: 60)))
        let console: String? = parsed("console.url", default: nil, "the console's address, such as https://console.example.com") { text in
            guard Origin(text, allowsPlain: true) != nil else { return nil }
            return .some(text.hasSuffix("/") ? String(text.dropLast()) : text)
        }
        guard let url = secret("notice.url") else { return nil }
        let file = optional("notice.secret", isSecret: true) == nil ? optional("notice.secretFile") : nil
        let text = secret("notice.secret")
        let address = WebAddress(url)
        // What stands in both is told to nobody.
        if address == nil {
            faults.append(
                "\(Self.variable("notice.url")): expected an https:// address; http:// is for this machine alone, and no user may stand in it"
            )
        }
        let authorities = authorities("notice.authorityFile")
        guard let text, let secrets = NoticeSettings.secrets(text) else {
            let isMissing = text == nil && file == nil
            if isMissing || text != nil {
                faults.append(
                    "\(Self.variable("notice.secret")): expected \(isMissing ? "one beside \(Self.variable("notice.url")): " : "")whsec_ and the Base64 of 24 to 64 bytes (`echo whsec_$(openssl rand -base64 32)`), or several"
                )
            }
            return nil
        }
        return address.map {
            NoticeSettings(
                address: $0, secrets: secrets, secretFile: file, authorities: authorities, authorityFile: optional("notice.authorityFile"),
                patience: patience, console: console)
        }
    }

    func broker() -> BrokerConfiguration {
        var configuration: BrokerConfiguration
        do throws(BrokerURLError) {
            let password = secret("broker.password")
            configuration = try BrokerConfiguration(
                url: secret("broker.url") ?? "amqp://guest:guest@localhost:5672",
                // Of one that is named and cannot be read it is said already.
                passwordElsewhere: password != nil || optional("broker.passwordFile") != nil)
            configuration.login = BrokerLogin.words(configuration.login, password: password)
            if isInFile("broker.url") || isInFile("broker.password") {
                configuration.renewal = BrokerLogin.renewal(of: configuration, from: reader)
            }
        } catch {
            let elsewhere =
                error == .withoutPassword
                ? " Or give the password by itself: \(Self.variable("broker.password")), \(Self.variable("broker.passwordFile"))." : ""
            faults.append("\(Self.variable("broker.url")): \(error)\(elsewhere)")
            return BrokerConfiguration(hosts: [], login: .external)
        }
        configuration.heartbeat = count("broker.heartbeatSeconds", 1...600, default: 10)
        configuration.connectionName = "salvage \(ProcessInfo.processInfo.hostName) \(ProcessInfo.processInfo.processIdentifier)"
        let files = ["authorityFile", "certificateFile", "keyFile"].map { optional("broker." + $0) }
        if configuration.tls == nil, files.contains(where: { $0 != nil }) {
            faults.append("\(Self.variable("broker.authorityFile")) and its like are for amqps:// URLs only")
        }
        if files[2] != nil, files[1] == nil {
            faults.append("\(Self.variable("broker.keyFile")) is of no use without \(Self.variable("broker.certificateFile"))")
        }
        configuration.tls?.authorityFile = files[0]
        configuration.tls?.clientCertificateFile = files[1]
        configuration.tls?.clientKeyFile = files[2]
        let serverName = hostName("broker.serverName", "a host's name, as the broker's certificate has it")
        configuration.tls?.serverName = serverName
        return configuration
    }

    /// Looks into the files of TLS as each connection will. What is wrong with them at the start is a setting like others. While the process runs they
    /// are read at each connect and nowhere else: one that is just being exchanged costs an attempt.
    func checkFiles(of broker: BrokerConfiguration) {
        guard var tls = broker.tls else { return }
        func isReadable(_ key: String, _ file: String?) -> Bool {
            guard let file, !WholeFile.isReadable(file) else { return true }
            faults.append("\(Self.variable(key)): \(WholeFile.fault(of: file))")
            return false
        }
        if !isReadable("broker.authorityFile", tls.authorityFile) { tls.authorityFile = nil }
        let hasCertificate = isReadable("broker.certificateFile", tls.clientCertificateFile)
        let hasKey = isReadable("broker.keyFile", tls.clientKeyFile)
        if !hasCertificate || !hasKey { tls.clientCertificateFile = nil }
        for fault in tls.fileFaults {
            let key =
                switch fault.file {
                case .authority: "broker.authorityFile"
                case .certificate: "broker.certificateFile"
                case .key: "broker.keyFile"
                }
            faults.append("\(Self.variable(key)): \(fault.why)")
        }
    }
}
