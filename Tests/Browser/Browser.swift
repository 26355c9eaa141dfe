import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// A person at a browser: looks for things, presses, types, and waits to see what comes of it.
///
/// Elements are named by their hooks (`data-test`), or by a selector where it begins with one of `[`, `.`, `#` or a space between two.
/// Everything waits for what it needs: the page is drawn anew at any moment.
final class Browser: Sendable {
    private let driver: WebDriver

    init(_ driver: WebDriver) {
        self.driver = driver
    }

    /// Keys that are no letters, as WebDriver writes them.
    enum Key {
        static let enter = "\u{E007}", escape = "\u{E00C}", control = "\u{E009}", backspace = "\u{E003}", release = "\u{E000}"
    }

    /// How long anything that a person would wait for may take.
    static let patience = 60.0

    static func selector(_ hook: String) -> String {
        hook.contains { "[.# ".contains($0) } ? hook : "[data-test=\"\(hook)\"]"
    }

    // MARK: Places

    func go(_ url: String) async throws {
        try await driver.call("POST", "/url", ["url": .string(url)])
    }

    /// Follows an address within the page.
    func turn(to hash: String) async throws { try await run("location.hash = arguments[0]", [.string(hash)]) }

    func hash() async throws -> String { try await run("return location.hash").string ?? "" }

    // MARK: Acting

    func click(_ hook: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await with(hook, sourceLocation) { element in
            try await self.run("arguments[0].scrollIntoView({block: 'center'})", [element.reference])
            try await self.driver.call("POST", "/element/\(element.id)/click")
        }
    }

    /// Types into a field after what stands there.
    func type(_ hook: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await with(hook, sourceLocation) { try await self.driver.call("POST", "/element/\($0.id)/value", ["text": .string(text)]) }
    }

    /// Types in the place of what stands in a field.
    func fill(_ hook: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await type(hook, Key.control + "a" + Key.release + Key.backspace + text, sourceLocation: sourceLocation)
    }

    /// Puts a text into a field as pasting does: at once, however long it is.
    func paste(_ hook: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await with(hook, sourceLocation) { element in
            try await self.run(
                "const [field, text] = arguments; field.focus(); field.select(); document.execCommand('insertText', false, text)",
                [element.reference, .string(text)])
        }
    }

    /// Marks a part of what stands in a text field, as a person does with the mouse.
    func mark(_ hook: String, _ part: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await with(hook, sourceLocation) { element in
            let script = """
                const [field, part] = arguments, at = field.value.indexOf(part)
                if (at < 0) return false
                field.focus()
                field.setSelectionRange(at, at + part.length)
                return true
                """
            let isThere = try await self.run(script, [element.reference, .string(part)]) == true
            try #require(isThere, "\(part) does not stand in \(hook)", sourceLocation: sourceLocation)
        }
    }

    /// Presses keys one after the other, wherever the focus is.
    func keys(_ text: String) async throws {
        let presses = text.flatMap {
            [["type": "keyDown", "value": .string(String($0))], ["type": "keyUp", "value": .string(String($0))]] as [JSONValue]
        }
        try await driver.call("POST", "/actions", ["actions": [["type": "key", "id": "keyboard", "actions": .array(presses)]]])
    }

    // MARK: Looking

    /// How many there are at this moment.
    func count(_ hook: String) async throws -> Int {
        Int(try await run("return document.querySelectorAll(arguments[0]).length", [.string(Self.selector(hook))]).int64 ?? 0)
    }

    func has(_ hook: String) async throws -> Bool { try await count(hook) > 0 }

    /// The text of the first, what is folded away included.
    func text(_ hook: String) async throws -> String {
        try await run("return document.querySelector(arguments[0])?.textContent ?? ''", [.string(Self.selector(hook))]).string ?? ""
    }

    func value(_ hook: String) async throws -> String {
        try await run("return document.querySelector(arguments[0])?.value ?? ''", [.string(Self.selector(hook))]).string ?? ""
    }

    /// Waits until one of the elements can be seen and says all of this.
    func sees(_ hook: String, _ texts: String..., within seconds: Double = patience, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let what = texts.isEmpty ? hook : "\(hook) says \(texts)"
        try await eventually("the page shows that \(what)", seconds: seconds, sourceLocation: sourceLocation) {
            let script = """
                return [...document.querySelectorAll(arguments[0])].some((node) => node.checkVisibility() && arguments[1].every((text) => node.innerText.includes(text)))
                """
            return try await self.run(script, [.string(Self.selector(hook)), .array(texts.map(JSONValue.string))]) == true
        }
    }

    /// Waits until nothing of the kind is there.
    func misses(_ hook: String, within seconds: Double = patience, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("the page shows no \(hook)", seconds: seconds, sourceLocation: sourceLocation) { try await !self.has(hook) }
    }

    // MARK: Elements and scripts

    private struct Element {
        let id: String
        var reference: JSONValue { ["element-6066-11e4-a52e-4f735466cecf": .string(id)] }
    }

    /// Does something with the first element that can be seen, and again where the page was drawn anew meanwhile.
    private func with(_ hook: String, _ sourceLocation: SourceLocation, _ body: (Element) async throws -> Void) async throws {
        let deadline = ContinuousClock.now + .seconds(Self.patience)
        try await sees(hook, sourceLocation: sourceLocation)
        while true {
            do {
                let script =
                    "return [...document.querySelectorAll(arguments[0])].find((node) => node.checkVisibility() && !node.disabled) ?? null"
                let found = try await run(script, [.string(Self.selector(hook))])
                guard let id = found.object?.first?.value.string else { throw WebDriver.Refusal(word: "no such element", message: hook) }
                return try await body(Element(id: id))
            } catch let refusal as WebDriver.Refusal where refusal.isOfTheMoment && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    @discardableResult
    func run(_ script: String, _ arguments: [JSONValue] = []) async throws -> JSONValue {
        try await driver.call("POST", "/execute/sync", ["script": .string(script), "args": .array(arguments)])
    }

    /// A command of the browser's own protocol.
    @discardableResult
    private func command(_ name: String, _ parameters: JSONValue) async throws -> JSONValue {
        try await driver.call("POST", "/goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    // MARK: The look of it

    struct Look: Sendable {
        let width: Int64
        let height: Int64
        let isDark: Bool
        var media = ""

        static let desk = Look(width: 1280, height: 900, isDark: false)
        static let darkDesk = Look(width: 1280, height: 900, isDark: true)
        static let tablet = Look(width: 800, height: 1100, isDark: false)
        static let phone = Look(width: 390, height: 844, isDark: false)
        static let darkPhone = Look(width: 390, height: 844, isDark: true)
        /// A printed page of whoever sits in the dark.
        static let paper = Look(width: 718, height: 1010, isDark: true, media: "print")
    }

    func look(_ look: Look) async throws {
        try await command(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(look.width), "height": .integer(look.height), "deviceScaleFactor": 1, "mobile": .bool(look.width < 500),
            ])
        try await command(
            "Emulation.setEmulatedMedia",
            ["media": .string(look.media), "features": [["name": "prefers-color-scheme", "value": look.isDark ? "dark" : "light"]]])
    }

    /// Has the browser live in a zone, from its next page on; with none, in the machine's.
    func live(in zone: String = "") async throws { try await command("Emulation.setTimezoneOverride", ["timezoneId": .string(zone)]) }

    /// Writes what can be seen to a PNG file; the whole length of the page, up to a limit, unless told otherwise.
    func screenshot(_ file: URL, wholePage: Bool = true) async throws {
        let size = try await run("return [innerWidth, Math.min(document.documentElement.scrollHeight, 3600)]").array ?? []
        // What sticks to the window would else stand in the middle of the picture.
        if wholePage { try await run("scrollTo(0, 0)") }
        var parameters: JSONValue = ["format": "png"]
        if wholePage, size.count == 2 {
            parameters = [
                "format": "png", "captureBeyondViewport": true, "clip": ["x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1],
            ]
        }
        let picture = try await command("Page.captureScreenshot", parameters)["data"]?.string ?? ""
        try (Data(base64Encoded: picture) ?? Data()).write(to: file)
    }

    // MARK: What the browser itself says

    /// What the browser has noted since it was asked last: errors of scripts, violated policies, failed requests.
    func log() async throws -> [LogLine] {
        try await driver.call("POST", "/se/log", ["type": "browser"]).array?.map { entry in
            LogLine(level: entry["level"]?.string ?? "", source: entry["source"]?.string ?? "", message: entry["message"]?.string ?? "")
        } ?? []
    }

    struct LogLine: Sendable, CustomStringConvertible {
        let level: String
        /// `network`, `security`, `javascript` and so on.
        let source: String
        let message: String

        var description: String { "\(level) \(source): \(message.prefix(500))" }
    }

    /// Where a test gave up: a picture of it, and what the browser said.
    func testify(_ name: String) async {
        let folder = Self.screenshotFolder ?? FileManager.default.temporaryDirectory
        let file = folder.appending(path: "gave-up-\(name).png")
        try? await screenshot(file, wholePage: false)
        print("The browser when \(name) gave up: \((try? await hash()) ?? "?"), picture \(file.path)")
        for line in (try? await log()) ?? [] { print(line) }
        print((try? await text("#page")) ?? "")
    }

    /// Where pictures are wanted, if they are.
    static var screenshotFolder: URL? {
        guard let path = ProcessInfo.processInfo.environment["SALVAGE_SCREENSHOTS"], !path.isEmpty else { return nil }
        let folder = URL(filePath: path, directoryHint: .isDirectory)
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

/// Starts one Chromium for a suite and ends it with the suite.
struct OneBrowser: SuiteTrait, TestScoping {
    @TaskLocal static var current: Browser?

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void) async throws
    {
        let driver = try await WebDriver.start()
        do {
            try await Self.$current.withValue(Browser(driver)) { try await function() }
            await driver.end()
        } catch {
            await driver.end()
            throw error
        }
    }
}

extension Trait where Self == OneBrowser {
    static var oneBrowser: OneBrowser { OneBrowser() }
}
