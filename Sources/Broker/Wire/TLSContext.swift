import CLibSSL

/// Whom we believe and who we are, as OpenSSL has it: made for each connection, from the files as they are at that moment.
final class TLSContext {
    private let context: OpaquePointer

    struct Fault: Error {
        /// The file that it lies in, if any.
        let file: BrokerConfiguration.TLS.FileFault.File?
        let why: String
    }

    init(_ tls: BrokerConfiguration.TLS) throws(Fault) {
        // What others left there would be taken for the reason.
        ERR_clear_error()
        func fault(_ file: BrokerConfiguration.TLS.FileFault.File?, _ what: String) -> Fault {
            Fault(file: file, why: Transport.sslError(what))
        }
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw fault(nil, "cannot make a TLS context") }
        self.context = context
        salvage_ssl_require_tls12(context)
        salvage_ssl_allow_partial_writes(context)
        if let file = tls.authorityFile {
            guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
                throw fault(.authority, "cannot read the authority file \(file)")
            }
        } else {
            SSL_CTX_set_default_verify_paths(context)
        }
        guard let file = tls.clientCertificateFile else { return }
        // OpenSSL would ask for a passphrase at the terminal or on standard input, and wait.
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
        guard SSL_CTX_use_certificate_chain_file(context, file) == 1 else {
            throw fault(.certificate, "cannot read the client certificate \(file)")
        }
        let key = tls.clientKeyFile ?? file
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw fault(tls.clientKeyFile == nil ? .certificate : .key, "cannot read the client key \(key), which must have no passphrase")
        }
    }

    deinit { SSL_CTX_free(context) }

    /// A session of one connection, which keeps what it needs of this.
    func session() -> OpaquePointer? { SSL_new(context) }
}

extension BrokerConfiguration.TLS {
    /// That a file does not hold what a connection needs of it.
    package struct FileFault: Error {
        package enum File: Sendable { case authority, certificate, key }

        package let file: File
        package let why: String
    }

    /// What a connection would find wrong with the files now.
    package var fileFaults: [FileFault] {
        // Each by itself, so that one hides no other.
        let authority = Self(authorityFile: authorityFile)
        let client = Self(clientCertificateFile: clientCertificateFile, clientKeyFile: clientKeyFile)
        return [authority, client].compactMap { part -> FileFault? in
            do throws(TLSContext.Fault) {
                _ = try TLSContext(part)
                return nil
            } catch {
                return error.file.map { FileFault(file: $0, why: error.why) }
            }
        }
    }
}
