import ArgumentParser
import Service

@main
struct Salvage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: "Turns payment declines back into sales.",
        discussion: """
            Workers (`salvage run`) take declines from RabbitMQ, have FlexFactor try them again, and publish what became of them.
            The other commands are for the people around them.

            Exit status: 0 when all is well, 1 when something is not as it should be, 64 for a command line that cannot be understood,
            69 when the broker is away, or takes no messages for an alarm of its own.
            """,
        version: SalvageVersion.current,
        subcommands: [
            Run.self, TopologyCommand.self, ConfigCommand.self, Classify.self, MappingCommand.self, Publish.self, Results.self, Trace.self,
            StatusCommand.self, Report.self, PauseCommand.self, ResumeCommand.self, PausesCommand.self, Dead.self, ConsoleCommand.self,
            NoticesCommand.self,
            Webhooks.self, Keys.self, HealthCommand.self,
        ])

    static func main() async {
        StandardDescriptors.fill()
        // A command ends with its terminal; what runs on does not, from its first moment.
        if let name = CommandLine.arguments.dropFirst().first, name == "run" || name == "webhooks" { Hangup.ignore() }
        await main(nil)
    }
}
