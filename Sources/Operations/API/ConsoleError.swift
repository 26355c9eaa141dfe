package import DeclineRecovery
import JSON

/// Why a request is not answered as it was meant.
package struct ConsoleError: Error, Sendable {
    package let status: Int
    let what: String
    let advice: String
    let faults: [FieldError]
    /// Where in the text that was sent it went wrong, in UTF-16 units, as a browser counts.
    let offset: Int?

    package init(status: Int, what: String, advice: String, faults: [FieldError] = [], offset: Int? = nil) {
        self.status = status
        self.what = what
        self.advice = advice
        self.faults = faults
        self.offset = offset
    }

    package var response: ConsoleResponse {
        ConsoleResponse(
            status: status,
            body: .object(of: [
                (
                    "error",
                    .object(of: [
                        ("what", .string(what)), ("advice", .string(advice)), ("faults", faults.isEmpty ? nil : LetterView.faults(faults)),
                        ("offset", offset.map { .integer(Int64($0)) }),
                    ])
                )
            ]))
    }

    package static func badRequest(_ what: String, _ advice: String = "Mend the request; the page sends none like it.") -> ConsoleError {
        ConsoleError(status: 400, what: what, advice: advice)
    }

    /// Something is asked for by a name that is not known.
    ///
    /// - Parameter place: where it stands, in words.
    static func unknownName(_ name: String, _ place: String, known: [String]) -> ConsoleError {
        let name = String(name.prefix(64))
        let near = known.map { (name: $0, distance: EditDistance.between(name.lowercased(), $0.lowercased())) }.min {
            $0.distance < $1.distance
        }
        var advice = known.isEmpty ? "Leave it out: nothing is named there." : "Known there: \(known.joined(separator: ", "))."
        if let near, near.distance <= max(1, name.utf8.count / 3) { advice = "Did you mean \(near.name)? " + advice }
        return .badRequest("There is no '\(CardDataGuard.redacted(name))' \(CardDataGuard.redacted(String(place.prefix(200)))).", advice)
    }

    /// A value that is none of those that are taken.
    static func unexpected(_ name: String, _ found: String?, expected: String) -> ConsoleError {
        let found = found.map { "'\(CardDataGuard.redacted(String($0.prefix(64))))'" } ?? "nothing"
        return .badRequest("\(name): expected \(expected), found \(found).")
    }

    /// A name that can be none: who writes the beginning of one is to know that it takes the whole.
    static func noID(_ text: String) -> ConsoleError {
        ConsoleError(
            status: 404, what: "'\(CardDataGuard.redacted(String(text.prefix(64))))' is no id of a letter or a run.",
            advice: "Give all 36 characters of it, as the lists of letters and runs have them.")
    }

    static let notFound = ConsoleError(
        status: 404, what: "There is no letter and no run of this id.", advice: "Look at the list; letters are kept for a year.")

    /// - Parameter asked: the method and the path.
    package static func noSuchPath(_ asked: String, status: Int = 404) -> ConsoleError {
        ConsoleError(
            status: status, what: "There is no \(CardDataGuard.redacted(String(asked.unicodeScalars.prefix(200)))) here.",
            advice: "/api/openapi.json says which paths there are, and whether they take GET or POST.")
    }

    package static let signIn = ConsoleError(
        status: 401, what: "A token is needed.",
        advice: "Take it from `console.access` of the configuration; ask whoever runs Salvage for one.")

    static func forbidden(_ role: ConsoleRole) -> ConsoleError {
        ConsoleError(
            status: 403, what: "This needs the role \(role.rawValue).", advice: "Ask somebody who has it, or have `console.access` changed."
        )
    }

    static let unready = ConsoleError(
        status: 503, what: "The letters are still being read.", advice: "Try again in a few seconds: some would be missing now.")

    static let brokerAway = ConsoleError(
        status: 503, what: "The broker did not answer: there is no connection at the moment.",
        advice: "Try again; if it goes on, look at the broker.")

    /// Text that somebody typed or pasted and that is no JSON, by line and column instead of by byte.
    static func notJSON(_ error: JSONError, in text: String) -> ConsoleError {
        let before = String(decoding: text.utf8.prefix(error.byteOffset), as: UTF8.self)
        let line = before.utf8.count { $0 == UInt8(ascii: "\n") } + 1
        let column = before.count - (before.lastIndex(of: "\n").map { before.distance(from: before.startIndex, to: $0) + 1 } ?? 0) + 1
        var what = error.fault.description
        if case .unexpectedByte(let byte) = error.fault, (0x21...0x7E).contains(byte) {
            what = "'\(Character(UnicodeScalar(byte)))' is not expected here"
        }
        return ConsoleError(
            status: 422, what: "Not JSON at line \(line), column \(column): \(what).",
            advice: "Mend the text there; nothing of it is lost.", offset: before.utf16.count)
    }

    /// A correction that may not be made; where it holds card data, with the places of it.
    static func refused(_ refusal: LetterEditRefusal, _ patch: JSONPatch, _ before: JSONValue) -> ConsoleError {
        var faults: [FieldError] = []
        if refusal == .cardData, let after = try? patch.applied(to: before),
            let clean = try? JSONValue(parsing: CardDataGuard.redacted(after.bytes).span)
        {
            faults = JSONDifference.between(after, clean).map { FieldError(path: $0.path.description, message: "holds card data") }
        }
        return ConsoleError(
            status: 422, what: refusal.description.asSentence, advice: "Change it in the text; nothing of it is lost.", faults: faults)
    }

    static func broker(_ error: BrokerFailure) -> ConsoleError {
        if error.isAlarm { return ConsoleError(status: 503, what: error.description.asSentence, advice: error.advice) }
        return ConsoleError(
            status: 503, what: "The broker did not answer: \(error)", advice: "Try again; if it goes on, look at the broker.")
    }
}

extension OperatorWords {
    static func check(note: String?, by who: String) throws(ConsoleError) {
        if let what = refusal(of: note, as: "note") ?? refusal(of: who, as: "operator's name") {
            throw ConsoleError(status: 422, what: what, advice: advice)
        }
    }
}
