package import DeclineRecovery
import FlexFactor
import FoundationEssentials
package import Pipeline
import Synchronization

/// The private keys for encrypted cards as their files are, one ring for a process: read at its start, and again with the configuration, all
/// or nothing.
///
/// A place is `KID=FILE`, or a folder of files `KID.pem` or `KID.private.pem`: to a folder a key can be added while workers run.
package final class CardKeyRing: CardVault {
    private enum Place: Sendable {
        case file(kid: String, String)
        case folder(String)
    }

    private let places: [Place]
    private let held: Mutex<CardKeys>

    /// No keys.
    init() {
        places = []
        held = Mutex(CardKeys())
    }

    /// Reads the keys of a setting.
    init(_ setting: String) throws(Faults) {
        places = setting.split(separator: ",").map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            return parts.count == 2 ? .file(kid: parts[0], parts[1]) : .folder(String(text))
        }
        held = Mutex(try Self.read(places))
    }

    /// What is wrong with the keys, a sentence each. Holds nothing of them.
    struct Faults: Error, CustomStringConvertible {
        let list: [String]

        var description: String { list.joined(separator: "; ") }
    }

    var keys: CardKeys { held.withLock { $0 } }

    /// The keys as their files are now, which `replace` takes into force.
    func readAgain() throws(Faults) -> CardKeys { try Self.read(places) }

    func replace(with keys: CardKeys) { held.withLock { $0 = keys } }

    /// What a change shows in.
    var files: [String] {
        places.flatMap { place in
            switch place {
            case .file(_, let file): [file]
            case .folder(let folder): [folder] + (Self.files(in: folder) ?? []).map(\.file)
            }
        }
    }

    package func complaint(about card: SealedCard) -> CardComplaint? {
        switch keys.hold(keyOf: card) {
        case true?: nil
        case false?: .noKey("This worker holds no key for it; compare its kid with SALVAGE_CARD_KEYS, or send a FlexFactor token.")
        case nil: .unusable("Expected a compact JWE: five parts of Base64url with dots between.")
        }
    }

    package func seal(_ token: CardToken) -> SealedCard? { keys.seal(token) }

    private static func read(_ places: [Place]) throws(Faults) -> CardKeys {
        var keys: [CardKey] = []
        var faults: [String] = []
        var known: [String: (pem: String, file: String)] = [:]
        func add(_ kid: String, _ file: String) {
            switch SecretSources(besides: "./settings").file(file) {
            case .failure(let failure): faults.append(failure.why)
            case .success(let pem):
                // Of two keys one would open nothing, and cards that are encrypted to it be refused.
                if let other = known[kid], other.pem != pem {
                    faults.append("the files \(other.file) and \(file) hold two keys of one KID; give each key one of its own")
                }
                known[kid] = (pem, file)
                if let key = CardKey(kid: kid, pem: pem) {
                    keys.append(key)
                } else {
                    faults.append("the file \(file) holds no PEM of an RSA private key of at least 2048 bits")
                }
            }
        }
        for place in places {
            switch place {
            case .file(let kid, let file): add(kid, file)
            case .folder(let folder):
                var isFolder = false
                guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder else {
                    faults.append("expected KID=FILE[,KID=FILE...], as `salvage keys new` prints it, or a folder of keys")
                    continue
                }
                guard let files = files(in: folder) else {
                    faults.append("the folder \(folder) cannot be read; expected one that this process may list")
                    continue
                }
                for (kid, file) in files { add(kid, file) }
            }
        }
        if !faults.isEmpty { throw Faults(list: faults) }
        return CardKeys(keys)
    }

    /// The keys of a folder, by name; `nil` where it cannot be listed. Public keys may lie beside them, and what a pod's mount keeps behind
    /// its links.
    private static func files(in folder: String) -> [(kid: String, file: String)]? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return nil }
        return names.sorted().compactMap { name in
            guard !name.hasPrefix("."), name.hasSuffix(".pem"), !name.hasSuffix(".public.pem") else { return nil }
            let ending = name.hasSuffix(".private.pem") ? ".private.pem" : ".pem"
            let kid = String(name.dropLast(ending.count))
            return kid.isEmpty ? nil : (kid, folder + "/" + name)
        }
    }
}
