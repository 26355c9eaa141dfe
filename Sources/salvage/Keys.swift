import ArgumentParser
import DeclineRecovery
import FlexFactor
import FoundationEssentials
import JSON
import Service

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make keys for encrypted cards, and try them.", subcommands: [New.self, Seal.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a pair of keys: the private one for the workers, the public one for the CRM.",
            discussion: """
                Writes KID.private.pem (readable by you alone) and KID.public.pem. Give the private key to the workers:
                  SALVAGE_CARD_KEYS=KID=KID.private.pem[,OLDKID=OLDKID.private.pem]
                and the public key to the CRM, which encrypts this JSON as a compact JWE with alg RSA-OAEP-256, enc A256GCM and the kid in
                its header, and sends it as paymentMethod.encryptedCard:
                  {"number": "...", "verificationValue": "...", "expirationMonth": 12, "expirationYear": 2029}
                In Python, with jwcrypto:
                  from jwcrypto import jwe, jwk
                  import json
                  public = jwk.JWK.from_pem(open("KID.public.pem", "rb").read())
                  header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "KID"}
                  token = jwe.JWE(json.dumps(card).encode(), json.dumps(header), recipient=public)
                  event["data"]["paymentMethod"]["encryptedCard"] = token.serialize(compact=True)
                To exchange a key: give the workers both, then the CRM the new one; drop the old one when its retries have ended.
                """)

        @Argument(help: "The key's name, e.g. 2026-11.")
        var kid: String
        @Option(help: ArgumentHelp("Where to write the files.", valueName: "folder"))
        var into = "."

        func validate() throws {
            let isPlain = kid.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "-_.".utf8.contains(byte)
            }
            guard !kid.isEmpty, kid.utf8.count <= 64, isPlain, kid.first != "." else {
                throw ValidationError(
                    "Expected a kid of letters, digits, dots, dashes and underscores, 64 at most and no dot first, found '\(Terminal.visible(kid))'."
                )
            }
        }

        func run() throws {
            guard let key = CardKey.generate(kid: kid), let secret = key.privatePEM, let open = key.publicPEM else {
                throw Failure("OpenSSL could not make a key.")
            }
            let (secretFile, openFile) = ("\(into)/\(kid).private.pem", "\(into)/\(kid).public.pem")
            for file in [secretFile, openFile] where FileManager.default.fileExists(atPath: file) {
                throw Failure("\(file) exists already; take another kid.")
            }
            guard FileManager.default.createFile(atPath: secretFile, contents: Data(secret.utf8), attributes: [.posixPermissions: 0o600]),
                FileManager.default.createFile(atPath: openFile, contents: Data(open.utf8))
            else { throw Failure("\(into) cannot be written to. Make the folder, or name one with --into.") }
            Terminal.show("\(secretFile)  for the workers: SALVAGE_CARD_KEYS=\(kid)=\(secretFile)")
            Terminal.show("\(openFile)  for the CRM; `salvage keys new --help` says how it encrypts")
        }
    }

    struct Seal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypt a card of a test as the CRM does: JSON on standard input, a compact JWE on standard output.",
            discussion: """
                  echo '{"number": "4111111111111111", "expirationMonth": 12, "expirationYear": 2029}' | salvage keys seal 2026-11.public.pem
                """)

        @Argument(help: ArgumentHelp("The public key, KID.public.pem.", valueName: "file"))
        var file: String
        @Option(help: "The key's name; what stands before .public.pem by default.")
        var kid: String?

        func run() throws {
            guard let pem = WholeFile.text(of: file) else {
                throw Failure("\(file): \(WholeFile.fault(of: file)). Expected the public key, which `salvage keys new` wrote.")
            }
            let name = file.split(separator: "/").last.map(String.init) ?? file
            let kid = kid ?? (name.hasSuffix(".public.pem") ? String(name.dropLast(".public.pem".count)) : name)
            guard let content = WholeFile.bytes(of: "-"), let card = try? JSONValue(parsing: content.span), let members = card.object,
                members.contains(where: { ["number", "token"].contains($0.name) && $0.value.string?.isEmpty == false })
            else {
                throw Failure(
                    "standard input holds no card. Expected JSON like {\"number\": \"...\", \"expirationMonth\": 12, \"expirationYear\": 2029}."
                )
            }
            guard let sealed = CardSeal(kid: kid, publicPEM: pem).seal(content) else {
                throw Failure("\(file) is no PEM of an RSA public key.")
            }
            Terminal.show(sealed.exposed)
        }
    }
}
