import FoundationEssentials

/// Where secrets come from that do not stand in the configuration file itself (behaviour.md §2).
public struct SecretSources: Sendable {
    /// Files are named relative to it.
    let folder: String
    let environment: [String: String]

    /// - Parameter environment: the process' own when `nil`.
    public init(besides file: String, environment: [String: String]? = nil) {
        folder = URL(filePath: file).deletingLastPathComponent().path
        self.environment = environment ?? ProcessInfo.processInfo.environment
    }

    struct Failure: Error {
        let why: String
    }

    func file(_ name: String) -> Result<String, Failure> {
        let path = name.hasPrefix("/") ? name : folder + "/" + name
        guard let text = WholeFile.text(of: path) else {
            return .failure(Failure(why: "the file \(path) cannot be read; check that it exists, its permissions, and that it is text"))
        }
        let secret = text.drop { $0.isWhitespace }
        let trimmed = String(secret.reversed().drop { $0.isWhitespace }.reversed())
        return trimmed.isEmpty ? .failure(Failure(why: "the file \(path) is empty")) : .success(trimmed)
    }

    func variable(_ name: String) -> Result<String, Failure> {
        guard let text = environment[name], !text.isEmpty else {
            return .failure(Failure(why: "the environment variable \(name) is not set"))
        }
        return .success(text)
    }
}
