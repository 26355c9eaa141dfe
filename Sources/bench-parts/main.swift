import Glibc
import TestSupport

// bench-parts EVENT                the time of each part: the best of five rounds, for others work on the machine too
// bench-parts EVENT PART COUNT     a part so often, for a tool that counts

let arguments = CommandLine.arguments
guard arguments.count == 2 || arguments.count == 4, let file = fopen(arguments[1], "r") else {
    fputs("bench-parts: expected EVENT, or EVENT PART COUNT\n", stderr)
    exit(64)
}
var body = [UInt8](repeating: 0, count: 1 << 20)
body.removeLast(body.count - fread(&body, 1, body.count, file))
fclose(file)
guard let parts = Parts(event: body) else {
    fputs("bench-parts: \(arguments[1]) is no decline event that is cascaded\n", stderr)
    exit(65)
}
if arguments.count == 4 {
    guard let part = parts.all.first(where: { $0.name == arguments[2] }), let count = Int(arguments[3]) else {
        fputs("bench-parts: no part is named \(arguments[2]); there are \(parts.all.map(\.name).joined(separator: ", "))\n", stderr)
        exit(64)
    }
    for _ in 0..<count { part.run() }
} else {
    for part in parts.all {
        for _ in 0..<500 { part.run() }
        let best = (0..<5).map { _ in threadTime { for _ in 0..<4_000 { part.run() } } }.min() ?? 0
        print("\(part.name)\t\(Double(best / 40) / 100)")
    }
}
