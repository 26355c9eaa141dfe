import ArgumentParser
import Dispatch
import Foundation
import NIOCore
import NIOPosix

@main
struct Sandbox: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flexfactor-sandbox",
        abstract: "Stands in for FlexFactor's API: same paths, fields and status codes, with failures on demand.",
        discussion: """
            Without options there is one account:
              appKey \(Account.wellKnown.appKey), appSecret \(Account.wellKnown.appSecret),
              mid \(Account.wellKnown.mid), environmentKey \(Account.wellKnown.environmentKey ?? "")

            GET / on a running sandbox tells which token does what, how to read the ledger, and how to change faults:
              curl localhost:8089/sandbox/ledger
              curl -X PUT localhost:8089/sandbox/faults -d '{"timeoutAfter": 0.05, "timeoutSeconds": 5}'
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 8089
    @Option(help: "A file to write the port into once it listens.")
    var portFile: String?
    @Option(help: "How many times faster than the wall's the orders' clock runs.")
    var timeScale = 1.0
    @Option(help: "Makes faults and latencies repeat.")
    var seed: UInt64 = 1
    @Option(help: "Faults to begin with, as JSON; GET /sandbox/faults lists them.")
    var faults: String?
    @Option(
        help:
            "A JSON file with the accounts: a list of {appKey, appSecret, mid, environmentKey, requestKey, webhookUrl, webhookKey, mode}; mode is managed or sync, and where it is left out each request's expiryDateUtc decides."
    )
    var accounts: String?
    @Flag(help: "Take any appKey and appSecret for the first account's.")
    var anyCredentials = false
    @Option(help: "Base64 key: requests must then carry a valid x-fc signature (first account).")
    var requestKey: String?
    @Option(help: "Where webhooks go, http://host:port/path (first account).")
    var webhookURL: String?
    @Option(help: "Base64 key that signs webhooks (first account).")
    var webhookKey: String?
    @Option(help: "The host that webhooks sign, where it is not the URL's.")
    var webhookHost: String?
    @Flag(help: "Answer invalid requests as an ASP.NET problem instead of the bare map of fields.")
    var problemShape = false
    @OptionGroup(title: "What is not documented") var habits: Habits
    @Option(help: "Threads that serve.")
    var threads = 2

    func validate() throws {
        guard timeScale > 0 else { throw ValidationError("--time-scale must be above 0.") }
        guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
        for key in [requestKey, webhookKey].compactMap({ $0 }) where Data(base64Encoded: key) == nil {
            throw ValidationError("A key is not Base64.")
        }
        if let webhookURL, Target(webhookURL) == nil { throw ValidationError("--webhook-url must be http://host[:port]/path.") }
    }

    func run() async throws {
        var accounts = [Account.wellKnown]
        if let file = self.accounts { accounts = try JSONDecoder().decode([Account].self, from: Data(contentsOf: URL(filePath: file))) }
        if let mode = accounts.compactMap(\.mode).first(where: { !["managed", "sync"].contains($0) }) {
            throw ValidationError("An account's mode is managed or sync, not \(mode).")
        }
        guard !accounts.isEmpty else { throw ValidationError("--accounts names no account.") }
        accounts[0].requestKey = requestKey ?? accounts[0].requestKey
        accounts[0].webhookUrl = webhookURL ?? accounts[0].webhookUrl
        accounts[0].webhookKey = webhookKey ?? accounts[0].webhookKey

        var world = World(seed: seed, timeScale: timeScale)
        if let faults { world.faults = try world.faults.merged(with: Data(faults.utf8)) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let sender = WebhookSender(group: group, accounts: accounts, signedHost: webhookHost, seed: seed)
        let api = API(
            world: world, accounts: accounts, acceptsAnyone: anyCredentials, problemShape: problemShape, habits: habits,
            onWebhooks: sender.send)
        let channel = try await Server.start(api, host: host, port: port, group: group)
        // The orders' clock moves on by itself.
        group.next().scheduleRepeatedTask(initialDelay: .milliseconds(50), delay: .milliseconds(50)) { _ in api.passTime() }

        let bound = channel.localAddress?.port ?? port
        if let portFile { try Data("\(bound)\n".utf8).write(to: URL(filePath: portFile), options: .atomic) }
        FileHandle.standardOutput.write(Data("flexfactor-sandbox listening on http://\(host):\(bound)\n".utf8))

        let signals = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { channel.close(promise: nil) }
            source.resume()
            return source
        }
        try await channel.closeFuture.get()
        for source in signals { source.cancel() }
        try await group.shutdownGracefully()
    }
}
