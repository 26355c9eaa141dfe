import CLibSSL
import Glibc

/// A non-blocking socket to the broker, with TLS where it is wanted.
///
/// Not thread-safe: it lives on its connection's thread.
final class Transport {
    let socket: Int32
    private var ssl: OpaquePointer?

    enum Outcome {
        case done(Int)
        case wouldBlock
        case ended(String)
    }

    private init(socket: Int32) {
        self.socket = socket
    }

    deinit {
        if let ssl {
            SSL_shutdown(ssl)
            SSL_free(ssl)
        }
        close(socket)
    }

    /// Connects to a host, TLS included, trying every address it has until `deadline` (`monotonicMilliseconds`).
    static func connect(to host: BrokerConfiguration.Host, tls: BrokerConfiguration.TLS?, deadline: Int64) throws(BrokerError) -> Transport
    {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host.name, String(host.port), &hints, &list)
        guard status == 0, let first = list else {
            throw .cannotConnect(host: host.description, why: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(first) }
        var why = "no address"
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next {
            next = address.pointee.ai_next
            switch open(address.pointee, deadline: deadline) {
            case .success(let socket):
                let transport = Transport(socket: socket)
                if let tls { try transport.startTLS(tls, host: host, deadline: deadline) }
                return transport
            case .failure(let failure): why = failure.why
            }
        }
        throw .cannotConnect(host: host.description, why: why)
    }

    private struct OpenFailure: Error { let why: String }

    private static func open(_ address: addrinfo, deadline: Int64) -> Result<Int32, OpenFailure> {
        let socket = Glibc.socket(
            address.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return .failure(OpenFailure(why: errorText(errno))) }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return .success(socket) }
        var failure = errno
        if failure == EINPROGRESS {
            failure = wait(socket, for: Int16(POLLOUT), until: deadline) ? 0 : ETIMEDOUT
            if failure == 0 {
                var length = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &length)
            }
        }
        if failure == 0 { return .success(socket) }
        close(socket)
        return .failure(OpenFailure(why: errorText(failure)))
    }

    private static func wait(_ socket: Int32, for events: Int16, until deadline: Int64) -> Bool {
        while true {
            let left = deadline - monotonicMilliseconds()
            if left <= 0 { return false }
            var entry = pollfd(fd: socket, events: events, revents: 0)
            let count = poll(&entry, 1, Int32(clamping: left))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    private func startTLS(_ tls: BrokerConfiguration.TLS, host: BrokerConfiguration.Host, deadline: Int64) throws(BrokerError) {
        func failed(_ why: String) -> BrokerError { .tls(host: host.description, why: why) }
        let context: TLSContext
        do throws(TLSContext.Fault) { context = try TLSContext(tls) } catch { throw failed(error.why) }
        guard let ssl = context.session() else { throw failed(Self.sslError("cannot make a TLS session")) }
        self.ssl = ssl
        SSL_set_fd(ssl, socket)
        let name = tls.serverName ?? host.name
        SSL_set_verify(ssl, tls.verifiesPeer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if tls.verifiesPeer {
            // An address is matched against the certificate's addresses, a name against its names.
            let isAddress = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
            if !isAddress { SSL_set1_host(ssl, name) }
        }
        salvage_ssl_set_server_name(ssl, name)
        while true {
            let status = SSL_connect(ssl)
            if status == 1 { return }
            switch SSL_get_error(ssl, status) {
            case SSL_ERROR_WANT_READ:
                guard Self.wait(socket, for: Int16(POLLIN), until: deadline) else { throw failed("no answer in time") }
            case SSL_ERROR_WANT_WRITE:
                guard Self.wait(socket, for: Int16(POLLOUT), until: deadline) else { throw failed("no answer in time") }
            default:
                let verdict = SSL_get_verify_result(ssl)
                if verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) { throw failed(String(cString: text)) }
                throw failed(Self.sslError("the handshake failed"))
            }
        }
    }

    /// What could not be done, with OpenSSL's reason where it has one.
    static func sslError(_ what: String) -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return what }
        return "\(what): \(String(cString: reason))"
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        if let ssl { return tlsOutcome(SSL_read(ssl, buffer.baseAddress, Int32(buffer.count)), ssl) }
        let count = Glibc.read(socket, buffer.baseAddress, buffer.count)
        if count > 0 { return .done(count) }
        if count == 0 { return .ended("the broker closed the connection") }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .ended(errorText(errno))
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        if let ssl { return tlsOutcome(SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count)), ssl) }
        let count = send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count >= 0 { return .done(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .ended(errorText(errno))
    }

    private func tlsOutcome(_ count: Int32, _ ssl: OpaquePointer) -> Outcome {
        if count > 0 { return .done(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended("the broker closed the connection")
        default: return .ended(Self.sslError("TLS failed"))
        }
    }

    var isTLS: Bool { ssl != nil }

    /// Whether bytes wait inside TLS, where poll cannot see them.
    var hasBufferedInput: Bool { ssl.map { SSL_pending($0) > 0 } ?? false }
}

/// Milliseconds on a clock that never steps.
func monotonicMilliseconds() -> Int64 { monotonicNanoseconds() / 1_000_000 }

/// Nanoseconds on the same clock.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

func errorText(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
}
