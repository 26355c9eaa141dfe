import ArgumentParser

struct Dead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Dead letters: look at them, correct them, send them again, settle them.",
        discussion: """
            Looking changes nothing. Acting appends a record of who did what and why; one operator acts at a time, and a run of replays whose
            process died is finished with `salvage dead replay --resume`.

              salvage dead stats                       what died of what
              salvage dead list --reason unknown_merchant
              salvage dead show 3f2a                   all of a letter, and what would happen now (ids may be cut short)
              salvage dead replay 3f2a --note "merchant added"
              salvage dead replay --reason unknown_merchant --canary --note "merchant added"
              salvage dead reconcile --reason outcome_unknown

            Exit status: 0 when all is done, 1 when some letters failed again, were left out, are not settled or their end is not known yet,
            2 when nothing was meant, 3 when somebody else acts at the moment, 64 for a command line that cannot be understood, 69 when the
            broker is away or takes no messages, 130 when it was interrupted.
            """,
        subcommands: [
            DeadList.self, DeadStats.self, DeadShow.self, DeadReplay.self, DeadRuns.self, DeadReconcile.self, DeadResolve.self,
            DeadDiscard.self, DeadRestore.self,
            DeadExport.self, DeadFollow.self,
        ])
}
