import FlexFactor
import FoundationEssentials
import Synchronization

/// Where secrets come from that do not stand in the configuration file itself, and the authorities that it names (behaviour.md §2).
package struct SecretSources: Sendable {
    /// Files are named relative to it.
    let folder: String
    let environment: [String: String]
    /// Whether it is a process that takes webhooks and nothing else.
    private let isForWebhooks: Bool
    /// Whether what is named is read at all.
    private(set) var isRead = true
    private let read = Files()

    private final class Files: Sendable {
        let paths = Mutex<[String]>([])
        /// Many gateways may name one file, and each of what is made of it takes room.
        let authorities = Mutex<[String: TrustedAuthorities]>([:])
    }

    /// The files that were asked for, each once.
    var files: [String] { Array(Set(read.paths.withLock { $0 })).sorted() }

    /// - Parameters:
    ///   - environment: the process' own when `nil`.
    ///   - isForWebhooks: whether only webhooks are to be verified with them.
    init(besides file: String, environment: [String: String]? = nil, isForWebhooks: Bool = false) {
        self.isForWebhooks = isForWebhooks
        folder = URL(filePath: file).deletingLastPathComponent().path
        self.environment = environment ?? ProcessInfo.processInfo.environment
    }

    /// For what verifies no webhook. A process at the edge, which takes nothing else, does not read it, and so need not have it: whoever breaks
    /// in there finds no key that takes money. What stands in its place is no secret and is asked for by nobody.
    var beyondWebhooks: SecretSources {
        var sources = self
        sources.isRead = !isForWebhooks
        return sources
    }

    private static func unread(_ name: String) -> String { "not read by a process that only takes webhooks: \(name)" }

    struct Failure: Error {
        let why: String
    }

    func file(_ name: String) -> Result<String, Failure> {
        if !isRead { return .success(Self.unread(name)) }
        let path = place(name)
        guard let text = WholeFile.text(of: path) else {
            return .failure(Failure(why: "\(Self.named(name, path)): \(WholeFile.fault(of: path))"))
        }
        let secret = text.drop { $0.isWhitespace }
        let trimmed = String(secret.reversed().drop { $0.isWhitespace }.reversed())
        return trimmed.isEmpty ? .failure(Failure(why: "\(Self.named(name, path)) is empty")) : .success(trimmed)
    }

    /// Where a file is, which is thereby one that was asked for.
    private func place(_ name: String) -> String {
        let path = name.hasPrefix("/") ? name : folder + "/" + name
        read.paths.withLock { $0.append(path) }
        return path
    }

    /// The authorities of a file. They are no secret; they lie where secrets lie, and are exchanged as those are.
    ///
    /// - Returns: `nil` where they are not read.
    func authorities(_ name: String) -> Result<TrustedAuthorities, Failure>? {
        if !isRead { return nil }
        let path = place(name)
        if let known = read.authorities.withLock({ $0[path] }) { return .success(known) }
        guard WholeFile.isReadable(path), let bytes = WholeFile.bytes(of: path, atMost: WholeFile.mostText) else {
            return .failure(Failure(why: "\(Self.named(name, path)): \(WholeFile.fault(of: path))"))
        }
        do throws(TrustedAuthorities.Fault) {
            let authorities = try TrustedAuthorities(pem: bytes)
            read.authorities.withLock { $0[path] = authorities }
            return .success(authorities)
        } catch {
            return .failure(Failure(why: "\(Self.named(name, path)): \(error)"))
        }
    }

    func variable(_ name: String) -> Result<String, Failure> {
        if !isRead { return .success(Self.unread(name)) }
        guard let text = environment[name], !text.allSatisfy(\.isWhitespace) else {
            let isName =
                name.utf8.count <= 64
                && name.utf8.allSatisfy { (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) }
            return .failure(
                Failure(
                    why: isName
                        ? environment[name] == nil
                            ? "the environment variable \(name) is not set" : "the environment variable \(name) is empty"
                        : "the environment variable is not set; expected its name, in capitals"))
        }
        return .success(text)
    }

    /// The file by its name, where the name looks like a file's: a secret that was written in the name's place is not told.
    private static func named(_ name: String, _ path: String) -> String {
        let isPath =
            name.utf8.count <= 200 && name.contains { $0 == "/" || $0 == "." }
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "/._-".utf8.contains(byte)
            }
        let longest = name.split { $0 == "/" || $0 == "." || $0 == "-" || $0 == "_" }.map(\.utf8.count).max() ?? 0
        return isPath && (longest <= 40 || name.hasPrefix("/")) ? "the file \(path)" : "the file (named in the configuration)"
    }
}
