import Broker

/// User and password where they stand in files: read again before each connection, for whoever rotates them changes the files and not
/// the process. A file that cannot be read at that moment leaves what was known.
enum BrokerLogin {
    typealias Login = BrokerConfiguration.Login

    static func words(_ login: Login, password: String?) -> Login {
        if case .plain(let user, _) = login, let password { .plain(user: user, password: Password(password)) } else { login }
    }

    /// - Parameter urlFile: of the whole URL; its user and password count.
    /// - Parameter passwordFile: of the password alone, which goes before the URL's.
    static func renewal(of login: Login, urlFile: String?, passwordFile: String?) -> (@Sendable () -> Login?)? {
        if urlFile == nil, passwordFile == nil { return nil }
        return {
            var current = login
            if let urlFile, let url = text(urlFile) {
                guard let read = try? BrokerConfiguration(url: url, passwordElsewhere: passwordFile != nil) else { return nil }
                current = read.login
            }
            return words(current, password: passwordFile.flatMap(text))
        }
    }

    private static func text(_ file: String) -> String? { try? SecretSources(besides: "./settings").file(file).get() }
}
