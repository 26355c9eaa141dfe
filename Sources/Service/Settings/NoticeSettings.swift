package import DeclineRecovery
package import FlexFactor

/// Where notices go, and how their receiver knows that they are ours.
package struct NoticeSettings: Sendable {
    package let address: WebAddress
    /// One, or several while they are exchanged: each signs.
    let secrets: [WebhookSecret]
    /// The same as their file says now; `nil` where they stand in no file, or it cannot be read.
    private let renewed: @Sendable () -> [WebhookSecret]?
    /// The authorities to trust; the system's when `nil`.
    let authorities: TrustedAuthorities?
    /// The same as their file says now; `nil` where none is named, or it holds none.
    private let renewedAuthorities: @Sendable () -> TrustedAuthorities?
    /// For so long a fault must last to be told, or be gone.
    package let patience: Moment.Span
    /// Where people open the console, for links.
    let console: String?

    /// How many secrets sign.
    package var secretCount: Int { secrets.count }

    /// As they stand now: whoever exchanges them changes the file and not the process.
    var secretsNow: [WebhookSecret] { renewed() ?? secrets }
    /// Likewise.
    var authoritiesNow: TrustedAuthorities? { renewedAuthorities() ?? authorities }

    init(
        address: WebAddress, secrets: [WebhookSecret], secretFile: String?, authorities: TrustedAuthorities?, authorityFile: String?,
        patience: Moment.Span, console: String?
    ) {
        self.address = address
        self.secrets = secrets
        self.authorities = authorities
        self.patience = patience
        self.console = console
        renewed = {
            guard let secretFile, let text = try? SecretSources(besides: "./settings").file(secretFile).get() else { return nil }
            return Self.secrets(text)
        }
        renewedAuthorities = { authorityFile.flatMap { try? SecretSources(besides: "./settings").authorities($0)?.get() } }
    }

    /// Reads one secret, or several with blanks, commas or line ends between; `nil` unless all of them are secrets.
    static func secrets(_ text: String) -> [WebhookSecret]? {
        let words = text.split { $0.isWhitespace || $0 == "," }
        let secrets = words.compactMap { WebhookSecret($0) }
        return secrets.isEmpty || secrets.count < words.count ? nil : secrets
    }
}
