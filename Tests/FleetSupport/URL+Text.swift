package import Foundation

extension URL {
    /// What stands in the file by now; empty where there is none.
    package var text: String { (try? String(contentsOf: self, encoding: .utf8)) ?? "" }
}
