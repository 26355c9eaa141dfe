import CLibCrypto
import NIOSSL

/// The certificates of authorities that vouch for a peer, instead of the system's, as a file held them when it was read.
///
/// TLS is prepared here and not at the first connection, so that what cannot be used is refused together with whatever names it. Equal are two
/// of the same content: a file that is read again makes connections anew only where it says something else.
package struct TrustedAuthorities: Sendable, Hashable {
    let context: NIOSSLContext
    /// SHA-256 of the content. Each request finds its connections by it, and a file may hold hundreds of certificates.
    private let digest: [UInt8]

    /// What is wrong with the content, to be said behind its file's name.
    package enum Fault: Error, Sendable, Hashable, CustomStringConvertible {
        case empty, broken

        package var description: String {
            switch self {
            case .empty: "it holds no certificate in PEM; expected those of the authorities to trust"
            case .broken: "a certificate in it cannot be read: it breaks off, or is damaged"
            }
        }
    }

    /// Reads certificates in PEM; what else stands there is passed over.
    package init(pem: [UInt8]) throws(Fault) {
        do {
            context = try Self.context(trusting: .certificates(try NIOSSLCertificate.fromPEMBytes(pem)))
        } catch {
            throw String(decoding: pem, as: UTF8.self).contains(" CERTIFICATE-----") ? Fault.broken : Fault.empty
        }
        var digest = [UInt8](repeating: 0, count: 32)
        _ = SHA256(pem, pem.count, &digest)
        self.digest = digest
    }

    package static func == (one: Self, other: Self) -> Bool { one.digest == other.digest }

    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }

    /// How FlexFactor and receivers of notices are spoken to, whoever is trusted.
    static func context(trusting roots: NIOSSLTrustRoots) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.trustRoots = roots
        return try NIOSSLContext(configuration: configuration)
    }
}
