/// The page's files, as the binary carries them, and what a browser is told to keep it from doing with them.
enum ConsolePage {
    enum Kind: String {
        case html = "text/html"
        case script = "text/javascript"
        case style = "text/css"
        case json = "application/json"
    }

    static let files: [String: (kind: Kind, bytes: [UInt8])] = [
        "actions.js": (.script, PackageResources.actions_js),
        "api.js": (.script, PackageResources.api_js),
        "console.css": (.style, PackageResources.console_css),
        "console.js": (.script, PackageResources.console_js),
        "desk.js": (.script, PackageResources.desk_js),
        "dialog.js": (.script, PackageResources.dialog_js),
        "dom.js": (.script, PackageResources.dom_js),
        "editor.js": (.script, PackageResources.editor_js),
        "filter.js": (.script, PackageResources.filter_js),
        "flow.js": (.script, PackageResources.flow_js),
        "forecast.js": (.script, PackageResources.forecast_js),
        "keyboard.js": (.script, PackageResources.keyboard_js),
        "letter.js": (.script, PackageResources.letter_js),
        "letters.js": (.script, PackageResources.letters_js),
        "mapping.js": (.script, PackageResources.mapping_js),
        "money.js": (.script, PackageResources.money_js),
        "overview.js": (.script, PackageResources.overview_js),
        "pauses.js": (.script, PackageResources.pauses_js),
        "place.js": (.script, PackageResources.place_js),
        "recoveries.js": (.script, PackageResources.recoveries_js),
        "runs.js": (.script, PackageResources.runs_js),
        "whatif.js": (.script, PackageResources.whatif_js),
        "words.js": (.script, PackageResources.words_js),
    ]

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
