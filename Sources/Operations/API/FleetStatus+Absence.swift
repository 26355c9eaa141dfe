import DeclineRecovery

extension FleetStatus {
    /// A stream, or its exchange, that is not there and that a fleet goes on without: no fault, but whoever misses what hangs on it is to know.
    package struct Absence: Sendable, Equatable {
        package let name: String
        /// With what does not work without it.
        package let what: String
        package let advice: String

        static func all(_ topology: TopologyLook, _ names: TopologyNames) -> [Absence] {
            // Where the claims are gone, a person must decide before anything is declared.
            let advice =
                topology.missing.contains(.queue(names.claims))
                ? "docs/runbooks/SalvageClaimsBehind.md"
                : "`salvage topology apply` declares it; `salvage topology print --permissions` prints who needs which rights on it."
            return names.optional.compactMap { name in
                let place: String
                switch (topology.absent.contains(.exchange(name)), topology.absent.contains(.queue(name))) {
                case (true, true): place = "The exchange and the stream \(name) do not exist"
                case (true, false): place = "The exchange \(name) does not exist"
                case (false, true): place = "The stream \(name) does not exist"
                case (false, false): return nil
                }
                return Absence(name: name, what: "\(place): \(loss(of: name, names)).", advice: advice)
            }
        }

        private static func loss(of name: String, _ names: TopologyNames) -> String {
            switch name {
            case names.pauses: "nothing can be paused or resumed"
            case names.claimSnapshots: "a worker that begins reads all claims first, which takes it minutes where they are millions"
            default: "consoles and reports read the whole journal as they begin, and of days that it holds no more there are no sums"
            }
        }
    }
}
