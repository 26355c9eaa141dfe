import Glibc
import TestSupport

// bench-parts EVENT                the time of each part in microseconds: the best of five rounds, for others work on the machine too
// bench-parts EVENT PART COUNT     a part so often, for a tool that counts

func refuse(_ why: String, _ status: Int32) -> Never {
    let line = Array("bench-parts: \(why)\n".utf8)
    _ = write(2, line, line.count)
    exit(status)
}

let arguments = CommandLine.arguments
guard arguments.count == 2 || arguments.count == 4, let file = fopen(arguments[1], "r") else {
    refuse("expected EVENT, or EVENT PART COUNT", 64)
}
var body = [UInt8](repeating: 0, count: 1 << 20)
body.removeLast(body.count - fread(&body, 1, body.count, file))
fclose(file)
guard let parts = Parts(event: body) else { refuse("\(arguments[1]) is no decline event that is cascaded", 65) }
if arguments.count == 4 {
    guard let part = parts.all.first(where: { $0.name == arguments[2] }), let count = Int(arguments[3]) else {
        refuse("no part is named \(arguments[2]); there are \(parts.all.map(\.name).joined(separator: ", "))", 64)
    }
    for _ in 0..<count { part.run() }
} else {
    for part in parts.all {
        for _ in 0..<500 { part.run() }
        let best = (0..<5).map { _ in threadTime { for _ in 0..<4_000 { part.run() } } }.min() ?? 0
        print("\(part.name)\t\(Double(best / 40_000) / 100)")
    }
}
