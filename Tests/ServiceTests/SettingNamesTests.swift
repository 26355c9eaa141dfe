import Foundation
import Testing

@testable import Service

/// A setting whose name is written wrongly is passed over, and that is said.
@Suite struct SettingNamesTests {
    @Test func theNamesAreThoseOfTheDocumentation() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let cells = page.split(separator: "\n").filter { $0.hasPrefix("| `SALVAGE_") }.compactMap { $0.split(separator: "|").first }
        let told = cells.flatMap { cell in cell.matches(of: /SALVAGE_[A-Z_]+/).map { String($0.output) } }
        #expect(Set(told) == SettingNames.all)
    }

    @Test func aNameThatIsNoneIsToldWithTheOneThatWasMeant() {
        let names = ["TOPOLOGY_PREFX", "LANES", "NOTICES_URL", "ACME_APP_KEY"].map { "SALVAGE_\($0)" } + ["PATH"]
        let told = ["ACME_APP_KEY", "NOTICES_URL (SALVAGE_NOTICE_URL?)", "TOPOLOGY_PREFX (SALVAGE_TOPOLOGY_PREFIX?)"]
        #expect(SettingNames.strangers(among: names) == told.map { "SALVAGE_\($0)" })
    }

    /// As Kubernetes tells them to a pod.
    @Test(arguments: ["salvage", "salvage-console"])
    func addressesOfServicesAreNobodysMistake(service: String) {
        let prefix = service.uppercased().replacing("-", with: "_")
        let names = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_PROTO", "PORT_80_TCP_ADDR"]
        #expect(SettingNames.strangers(among: names.map { "\(prefix)_\($0)" }).isEmpty)
        #expect(SettingNames.strangers(among: ["\(prefix)_PORT"]).count == 1, "without its host it is nobody's address")
    }
}
