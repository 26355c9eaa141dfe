import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// chromedriver with one session of a headless Chromium, spoken to as W3C's WebDriver has it: JSON over HTTP.
final class WebDriver: Sendable {
    private let driver: ChildProcess
    private let port: Int
    private let session: String
    private let folder: URL

    /// What the driver answers instead of a value.
    struct Refusal: Error, CustomStringConvertible {
        /// W3C's word for it, e.g. `stale element reference`.
        let word: String
        let message: String

        var description: String { "\(word): \(message.prefix(400))" }

        /// The page was drawn anew between two steps; the same again may well succeed.
        var isOfTheMoment: Bool {
            ["stale element reference", "no such element", "element click intercepted", "element not interactable"].contains(word)
        }
    }

    struct Missing: Error, CustomStringConvertible {
        let program: String
        var description: String { "\(program) is not on the PATH: these tests drive a real browser. `deploy/local/install` installs it." }
    }

    private init(_ driver: ChildProcess, _ port: Int, _ session: String, _ folder: URL) {
        self.driver = driver
        self.port = port
        self.session = session
        self.folder = folder
    }

    static func start() async throws -> WebDriver {
        let browser = try program("chromium")
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-browser-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let port = try TestMachine.freePort()
        let log = folder.appending(path: "chromedriver.log")
        let driver = try ChildProcess(program("chromedriver"), ["--port=\(port)"], output: log)
        do {
            try await eventually("chromedriver answers", seconds: 30) {
                if driver.hasEnded { throw EndsWaiting("chromedriver ended: \(log.text)") }
                return (try? await send("GET", port, "/status", nil))?["ready"] == true
            }
            let answer = try await send(
                "POST", port, "/session",
                [
                    "capabilities": [
                        "alwaysMatch": [
                            "browserName": "chrome", "unhandledPromptBehavior": "accept", "goog:loggingPrefs": ["browser": "ALL"],
                            "goog:chromeOptions": [
                                "binary": .string(browser),
                                "args": .array(arguments(profile: folder.appending(path: "profile")).map(JSONValue.string)),
                            ],
                        ]
                    ]
                ])
            guard let session = answer["sessionId"]?.string else { throw Refusal(word: "no session", message: "\(answer)") }
            return WebDriver(driver, port, "/session/" + session, folder)
        } catch {
            await driver.end(SIGKILL)
            throw error
        }
    }

    private static func arguments(profile: URL) -> [String] {
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900", "--lang=en",
            "--hide-scrollbars",
            "--user-data-dir=\(profile.path)",
        ]
    }

    private static func program(_ name: String) throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard let found = folders.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw Missing(program: name)
        }
        return found
    }

    func end() async {
        // Ends Chromium. The driver has nothing left to see to then; it inherits a mask that lets no milder signal through.
        _ = try? await call("DELETE", "")
        await driver.end(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }

    /// A command of the session; its value.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: JSONValue = [:]) async throws -> JSONValue {
        try await Self.send(method, port, session + path, method == "POST" ? body : nil)
    }

    private static func send(_ method: String, _ port: Int, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        let answer = try await PlainHTTP.ask(method, port: port, path, body?.bytes)
        let value = try JSONValue(parsing: answer.span, limits: JSONLimits(bytes: .max, depth: 512))["value"] ?? .null
        if let word = value["error"]?.string { throw Refusal(word: word, message: value["message"]?.string ?? "") }
        return value
    }
}

extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements.map { Member($0, $1) }) }
}
