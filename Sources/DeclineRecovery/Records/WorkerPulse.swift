import JSON

/// What a worker says of itself every other second, for whoever watches the fleet (schemas/pulse.v1.schema.json). Nobody keeps it: the
/// next one says all that is true then.
package struct WorkerPulse: Sendable, Equatable {
    package static let type = "com.salvage.worker.pulse.v1"
    /// Circuits that one pulse names. Those that are not closed come first; a gateway that is not named is closed.
    static let mostCircuits = 500

    package let workerID: String
    package let host: String
    package let version: String
    package let startedAt: Moment
    package let at: Moment
    /// None: it has stopped, as it was told to.
    package let stages: [Stage]
    package let inFlight: [Load]
    package let circuits: [Circuit]

    /// The last that a worker says of itself: nobody is to miss it.
    package func farewell(at moment: Moment) -> WorkerPulse {
        WorkerPulse(
            workerID: workerID, host: host, version: version, startedAt: startedAt, at: moment, stages: [], inFlight: [], circuits: [])
    }

    package var isFarewell: Bool { stages.isEmpty }

    /// Messages of a stage that are in work.
    package struct Load: Sendable, Equatable {
        package let stage: Stage
        package let count: Int

        package init(stage: Stage, count: Int) {
            self.stage = stage
            self.count = count
        }
    }

    /// How a gateway's circuit stands in this process.
    package struct Circuit: Sendable, Equatable {
        package let merchantID: MerchantID
        package let gatewayID: GatewayID
        package let state: State

        package enum State: String, Sendable, CaseIterable {
            case closed, trying, open
        }

        package init(merchantID: MerchantID, gatewayID: GatewayID, state: State) {
            self.merchantID = merchantID
            self.gatewayID = gatewayID
            self.state = state
        }

        fileprivate var place: (Int, String, String) { (state == .closed ? 1 : 0, merchantID.text, gatewayID.text) }
    }

    package init(
        workerID: String, host: String, version: String, startedAt: Moment, at: Moment, stages: [Stage], inFlight: [Load],
        circuits: [Circuit]
    ) {
        self.workerID = workerID
        self.host = host
        self.version = version
        self.startedAt = startedAt
        self.at = at
        self.stages = stages
        self.inFlight = inFlight
        self.circuits = Array(circuits.sorted { $0.place < $1.place }.prefix(Self.mostCircuits))
    }

    package var id: String { "\(workerID)/pulse/\(at.milliseconds)" }

    package func encoded() -> [UInt8] {
        CloudEvent.encode(id: id, type: Self.type, time: at, reserving: 512 + 80 * circuits.count) { data in
            data.member("id", workerID)
            data.member("host", host)
            data.member("version", version)
            data.member("startedAt", startedAt.milliseconds)
            data.member("at", at.milliseconds)
            data.array("stages") { list in for stage in stages { list.element(stage.rawValue) } }
            data.array("inFlight") { list in
                for load in inFlight {
                    list.object { json in
                        json.member("stage", load.stage.rawValue)
                        json.member("count", Int64(load.count))
                    }
                }
            }
            data.array("circuits") { list in
                for circuit in circuits {
                    list.object { json in
                        json.member("merchant", circuit.merchantID.text)
                        json.member("gateway", circuit.gatewayID.text)
                        json.member("state", circuit.state.rawValue)
                    }
                }
            }
        }
    }

    /// `nil` for what is no pulse. A stage that this build does not know is left out: a newer worker may have it.
    package static func decode(_ bytes: [UInt8]) -> WorkerPulse? {
        do throws(EnvelopeFault) {
            let data = try CloudEvent.data(of: bytes, type: type)
            return WorkerPulse(
                workerID: try data.text("id"), host: try data.text("host"), version: try data.text("version"),
                startedAt: try data.moment("startedAt"), at: try data.moment("at"),
                stages: try data.texts("stages").compactMap(Stage.init(rawValue:)),
                inFlight: try data.objects("inFlight").map { (load) throws(EnvelopeFault) in
                    (Stage(rawValue: try load.text("stage")), try load.count("count"))
                }.compactMap { stage, count in stage.map { Load(stage: $0, count: count) } },
                circuits: try data.objects("circuits").map { (circuit) throws(EnvelopeFault) in
                    Circuit(
                        merchantID: MerchantID(try circuit.text("merchant")), gatewayID: GatewayID(try circuit.text("gateway")),
                        state: try circuit.word("state"))
                })
        } catch {
            return nil
        }
    }
}
