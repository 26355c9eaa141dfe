import ArgumentParser
import Operations

/// Why a command ends without having done what it was asked, as a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension ExitCode {
    /// The broker is away, does not let us in, or takes no messages (sysexits' EX_UNAVAILABLE): nothing was wrong with what was asked.
    static let unavailable = ExitCode(69)

    /// For a command line that turns out wrong only when it is carried out; the parser would show another command's usage.
    static func misuse(_ why: String) -> ExitCode {
        Terminal.complain("Error: \(why)")
        return .validationFailure
    }

    /// Tells why the broker did not do it.
    static func broker(_ error: BrokerFailure) -> ExitCode {
        // The broker's own words may end a sentence.
        let what = error.description
        Terminal.complain("Error: \(what)\(what.hasSuffix(".") ? "" : ".") \(error.advice)")
        return error.isAbsence ? .unavailable : .failure
    }
}

extension LetterJobError {
    var isAbsence: Bool {
        switch self {
        case .broker(let error): error.isAbsence
        case .lockLost: true
        default: false
        }
    }
}
