import ArgumentParser
import DeclineRecovery
import Operations
import Service

struct NoticesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notices", abstract: "Where notices of what is wrong go, and whether they arrive.",
        discussion: """
            `salvage console` sends them while it runs: faults of `salvage status` that last, pauses, and the end of both, signed as Standard Webhooks.
              SALVAGE_NOTICE_URL, _NOTICE_URL_FILE         where they go: https, or http on this machine
              SALVAGE_NOTICE_SECRET, _NOTICE_SECRET_FILE   whsec_..., or several while they are exchanged
              SALVAGE_NOTICE_AUTHORITY_FILE                the authorities to trust, where they are your own
              SALVAGE_NOTICE_AFTER_SECONDS                 60: for so long a fault must last to be told
              SALVAGE_CONSOLE_URL                          where people open the console, for links
            """)

    @OptionGroup var broker: BrokerOptions
    @Flag(help: "Send one to try the receiver. Ends with 1 when it does not arrive.")
    var test = false

    func run() async throws {
        let settings = try broker.settings()
        guard let notices = settings.notices else {
            throw ExitCode.misuse(
                "No notices are sent: SALVAGE_NOTICE_URL is not set. Set it, and SALVAGE_NOTICE_SECRET, as docs/notices.md says.")
        }
        guard test else {
            let secrets = notices.secretCount.counted("secret")
            Terminal.show(
                "Notices go to \(notices.address), signed with \(secrets), of what has lasted \(notices.patience.milliseconds / 1_000) s.")
            return
        }
        switch await NoticeReceiver(notices, fleet: settings.names.prefix).send(.test(of: settings.names.prefix, at: SystemClock().now())) {
        case .delivered(let status): Terminal.show("It has arrived: \(notices.address) answered \(status).")
        case .failed(let why, let advice, _):
            Terminal.complain("Error: it has not arrived at \(notices.address): \(Terminal.visible(why)). \(advice)")
            throw ExitCode.failure
        }
    }
}
