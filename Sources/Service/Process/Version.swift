/// The version of this build, told by `--version`, in dead letters and in metrics.
package enum SalvageVersion {
    package static let current = "0.1.0"
}
