import Operations

/// What a request says of where it comes from. Another site's page can have a browser send one, and cannot have it say what is asked for here.
struct RequestOrigin {
    /// The header that every request carries.
    static let mark = "X-Salvage-Console"

    /// Its value.
    let mark: String?
    /// `Sec-Fetch-Site`: what a browser says of it.
    let site: String?
    /// `Origin`, likewise.
    let origin: String?
    /// `Host`
    let authority: String
    let contentType: String?

    /// Why it is not served, and what would have to be otherwise; `nil` where nothing is wrong with it.
    func refusal(of method: ConsoleRequest.Method) -> ConsoleError? {
        if mark != "1" {
            return refusal(
                "The header \(Self.mark): 1 is missing.", "Send it with every request: another site's page cannot, so it keeps that out.")
        }
        if let site {
            if site != "same-origin" {
                return refusal(
                    "The browser says that another site's page sends the request (Sec-Fetch-Site).",
                    "Open the console itself; a program leaves this header out.")
            }
        } else if let origin, origin != "http://" + authority, origin != "https://" + authority {
            // Over plain HTTP to another machine a browser says nothing of the site, but still from where the page came.
            return refusal(
                "The request comes from the page of another address (Origin) than the one it asks (Host).",
                "Open the console itself; a proxy before it must hand on the Host that the browser sent.")
        }
        if method == .post, contentType?.lowercased().hasPrefix("application/json") != true {
            return refusal(
                "A POST must say Content-Type: application/json.", "Send that header and a JSON object: another site's form cannot send it."
            )
        }
        return nil
    }

    private func refusal(_ what: String, _ advice: String) -> ConsoleError { ConsoleError(status: 403, what: what, advice: advice) }
}
