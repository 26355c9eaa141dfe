/// The version of this build, told by `--version`, in dead letters and in metrics.
public enum SalvageVersion {
    public static let current = "0.1.0"
}
