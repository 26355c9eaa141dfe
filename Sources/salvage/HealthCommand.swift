import ArgumentParser
import FlexFactor
import Service

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask a running process whether it is well: for a container's health check.",
        discussion: "Prints what the page says. Ends with 1 unless the page says that all is well (200).")

    @Argument(help: "The page: /readyz, /livez, of a worker or the console.")
    var url = "http://127.0.0.1:8080/readyz"

    func run() async throws {
        guard let page = Origin(url, allowsPlain: true) else {
            throw ExitCode.misuse("A URL is expected, such as http://127.0.0.1:8080/readyz, found '\(Terminal.visible(url))'.")
        }
        let (isWell, isAnswered, text) = await HealthProbe.look(at: page)
        if !isAnswered {
            Terminal.complain(
                "Error: \(Terminal.visible(url)) does not answer: \(Terminal.visible(text)). Check that the process runs, and that it listens there (SALVAGE_LISTEN)."
            )
            throw ExitCode.failure
        }
        print(Terminal.visible(text))
        if !isWell { throw ExitCode.failure }
    }
}
