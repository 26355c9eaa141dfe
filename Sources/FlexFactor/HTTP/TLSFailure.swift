import CLibCrypto
import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why TLS with FlexFactor's side does not come about, in words by which somebody can mend it.
///
/// The library verifies, and says of a chain that it does not believe only that it does not. What is wrong with it is read here from the
/// certificate that was shown, for the message alone: nothing is believed by it.
struct TLSFailure: Error, Hashable, CustomStringConvertible {
    let description: String

    /// - Parameter certificate: the one that the peer showed, where it came so far.
    init(_ error: any Error, certificate: NIOSSLCertificate?, host: String) {
        description =
            switch error {
            case let failure as TLSFailure: failure.description
            case NIOSSLError.handshakeFailed(.sslError(let stack)), NIOSSLError.handshakeFailed(.unknownError(let stack)):
                Self.handshake(stack.map(\.description), certificate)
            case NIOSSLError.handshakeFailed: "the handshake failed"
            case NIOSSLError.uncleanShutdown: "the peer hung up during the handshake"
            case is NIOSSLExtraError: certificate.map { Self.naming($0, host) } ?? "the certificate is not for \(host)"
            case ChannelError.eof, ChannelError.ioOnClosedChannel: "the peer hung up during the handshake"
            case let error as IOError: error.description
            default: Self.withoutPath(String(describing: error))
            }
    }

    private init(_ description: String) {
        self.description = description
    }

    /// What is wrong with a certificate that the library believes: one without subject alternative names is for nobody (RFC 9525), though it
    /// would still be taken by its common name.
    static func complaint(about certificate: NIOSSLCertificate, host: String) -> TLSFailure? {
        certificate._subjectAlternativeNames().isEmpty ? TLSFailure(naming(certificate, host)) : nil
    }

    // MARK: The handshake

    private static func handshake(_ stack: [String], _ certificate: NIOSSLCertificate?) -> String {
        let reasons = stack.map(reason)
        if reasons.contains("CERTIFICATE_VERIFY_FAILED") {
            return certificate.map(distrust) ?? "the certificate is not trusted"
        }
        guard let first = reasons.first else { return "the handshake failed" }
        switch first {
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST": return "the peer does not speak TLS on this port"
        case "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION": return "no TLS version in common; 1.2 is the least here"
        case "SSLV3_ALERT_HANDSHAKE_FAILURE", "HANDSHAKE_FAILURE_ON_CLIENT_HELLO", "NO_SHARED_CIPHER":
            return "the peer refuses the handshake: no cipher in common, or it wants a certificate of ours"
        case "EOF during handshake": return "the peer hung up during the handshake"
        default: return "the handshake failed (\(first.lowercased().replacing("_", with: " ")))"
        }
    }

    /// The reason in BoringSSL's `Error: 268436498 error:10000416:SSL routines:OPENSSL_internal:REASON at /where/it/was/built.cc:12`.
    private static func reason(_ description: String) -> String {
        let text = withoutPath(description)
        if let last = text.split(separator: ":").last, text.contains("error:") { return String(last).trimmed }
        return text.replacing("Error:", with: "").trimmed
    }

    /// Where the library was built says nothing to anybody, and more than it should.
    private static func withoutPath(_ text: String) -> String {
        var kept = text[...]
        if let at = kept.firstRange(of: " at /") { kept = kept[..<at.lowerBound] }
        return String(kept.prefix(200))
    }

    // MARK: The certificate

    /// Why a chain is not trusted: all that is wrong with its first certificate, and else that nobody known vouches for it.
    private static func distrust(_ certificate: NIOSSLCertificate) -> String {
        let now = time(nil)
        var faults: [String] = []
        if certificate.notValidAfter < now { faults.append("the certificate is expired since \(day(certificate.notValidAfter))") }
        if certificate.notValidBefore > now {
            faults.append("the certificate is not valid before \(day(certificate.notValidBefore)); compare the clocks")
        }
        let read = (try? certificate.toDERBytes()).flatMap(ReadCertificate.init)
        if let read {
            if read.isSelfSigned { faults.append("the certificate is self-signed, and not among the authorities that are trusted") }
            if !read.isForServers { faults.append("the certificate has the wrong use: it is not for servers (extendedKeyUsage, keyUsage)") }
        }
        if faults.isEmpty {
            faults.append(
                "the certificate's authority is unknown\(read?.issuer.map { " (\($0))" } ?? ""): it is not among those that are trusted, or the peer leaves an intermediate certificate out"
            )
        }
        return faults.joined(separator: "; ")
    }

    /// For whom a certificate is.
    private static func naming(_ certificate: NIOSSLCertificate, _ host: String) -> String {
        let names = certificate._subjectAlternativeNames()
        if names.isEmpty { return "the certificate names no host: it has no subjectAltName" }
        let shown = names.filter { $0.nameType == .dnsName }.prefix(3).map { String(decoding: $0.contents, as: UTF8.self).prefix(80) }
        let others = shown.isEmpty ? "no host name" : shown.joined(separator: ", ") + (names.count > shown.count ? ", ..." : "")
        return "the certificate is for another name: it is for \(others), not for \(host)"
    }

    private static func day(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "?" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}

/// What of a certificate is told when it is not trusted.
private struct ReadCertificate {
    let isSelfSigned: Bool
    let isForServers: Bool
    /// The issuer's common name.
    let issuer: String?

    init?(_ der: [UInt8]) {
        let certificate: OpaquePointer? = der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_X509(nil, &start, bytes.count)
        }
        guard let certificate else { return nil }
        defer { X509_free(certificate) }
        isSelfSigned = X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0
        isForServers = X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) == 1
        var name = [CChar](repeating: 0, count: 128)
        let length = X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName, &name, Int32(name.count))
        let bytes = name.prefix(max(Int(length), 0)).map(UInt8.init(bitPattern:)).filter { $0 >= 0x20 && $0 < 0x7F }
        issuer = bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
