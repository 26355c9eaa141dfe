import ArgumentParser
import Broker
import Operations

/// Why a command ends without having done what it was asked, as a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension ExitCode {
    /// The broker is away, or does not let us in (sysexits' EX_UNAVAILABLE): nothing was wrong with what was asked.
    static let unavailable = ExitCode(69)

    /// For a command line that turns out wrong only when it is carried out; the parser would show another command's usage.
    static func misuse(_ why: String) -> ExitCode {
        Terminal.complain("Error: \(why)")
        return .validationFailure
    }

    /// Tells why the broker did not do it.
    static func broker(_ error: BrokerError) -> ExitCode {
        Terminal.complain("Error: \(error.forOperators)")
        return error.isAbsence ? .unavailable : .failure
    }
}

extension BrokerError {
    fileprivate var forOperators: String {
        if case .refused(404, let text) = self {
            return "the broker has no such queue or exchange (\(text)). Run `salvage topology apply`, or check --prefix and the virtual host of --broker-url."
        }
        return "\(description). \(advice)"
    }

    /// Whether it is the broker that is missing, and not something in it.
    var isAbsence: Bool {
        switch self {
        case .cannotConnect, .loginRefused, .tls, .connectionLost, .timedOut, .closed: true
        case .refused, .protocolViolation: false
        }
    }
}

extension LetterJobError {
    var isAbsence: Bool {
        switch self {
        case .broker(let error): error.isAbsence
        case .publish(.connectionLost), .publish(.closed), .lockLost: true
        default: false
        }
    }
}
