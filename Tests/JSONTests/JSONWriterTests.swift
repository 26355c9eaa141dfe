import TestSupport
import Testing

@testable import JSON

@Suite struct JSONWriterTests {
    @Test func nestedObjectsAndListsAreWritten() {
        var json = JSONWriter()
        json.object { json in
            json.member("a", "x\"\u{1}")
            json.object("b") {
                $0.array("c") { list in
                    list.element("d")
                    list.object { $0.member("e", 1) }
                }
            }
        }
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"{"a":"x\"\u0001","b":{"c":["d",{"e":1}]}}"#)
    }

    /// A buffer that is copied at each nested object costs the square: sixteen times the objects took 256 times as long.
    @Test func theWorkGrowsAsTheText() {
        func time(_ count: Int) -> Int64 {
            (0..<3).map { _ in
                threadTime {
                    var json = JSONWriter()
                    json.object { json in
                        json.array("list") { list in
                            for _ in 0..<count { list.object { $0.member("name", "a text of some length, as they are") } }
                        }
                    }
                    #expect(json.bytes.count > count * 40)
                }
            }.min()!
        }
        let (few, many) = (time(1_000), time(16_000))
        #expect(many < few * 100, "\(few) ns for a thousand objects, \(many) for sixteen thousand")
    }
}
