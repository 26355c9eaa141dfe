import CConsolePage

/// The page's files, as the binary carries them, and what a browser is told to keep it from doing with them.
enum ConsolePage {
    enum Kind: String {
        case html = "text/html"
        case script = "text/javascript"
        case style = "text/css"
        case json = "application/json"
    }

    /// By name.
    private static let files: [String: [UInt8]] = {
        var count = 0
        let files = UnsafeBufferPointer(start: console_page_files(&count), count: count)
        return Dictionary(
            files.map { (String(cString: $0.name), [UInt8](UnsafeBufferPointer(start: $0.bytes, count: $0.count))) },
            uniquingKeysWith: { first, _ in first })
    }()

    static var index: [UInt8] { files["index.html"] ?? [] }
    static var api: [UInt8] { files["openapi.json"] ?? [] }

    /// What the page loads besides.
    static func asset(_ name: String) -> (kind: Kind, bytes: [UInt8])? {
        guard let bytes = files[name] else { return nil }
        if name.hasSuffix(".js") { return (.script, bytes) }
        return name.hasSuffix(".css") ? (.style, bytes) : nil
    }

    /// Letters hold strangers' text. Nothing but these files runs, nothing is loaded from elsewhere, and nobody frames the page.
    static let protections = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()"),
    ]
}
