import JSON

/// A message with a canary, a card number or a security code, hidden somewhere in it.
struct HidingPlace: CustomStringConvertible {
    let description: String
    let message: IncomingMessageParts
    /// The canary is a security code, and not a number.
    var isCode = false

    /// What of a message can hide something.
    struct IncomingMessageParts {
        var body: [UInt8] = Array("{}".utf8)
        var contentType: String?
        var messageID: String? = "m-1"
        var type: String?
        var correlationID: String?
        var replyTo: String? = "amq.gen-1"
        var headers: [(name: String, value: JSONValue)] = []
        var exchange = "declines"
        var routingKey = "decline.initial"
    }
}

/// Card numbers and security codes in every disguise that somebody thought of, each in every place where it may stand.
enum HidingPlaces {
    /// Nobody's, and made here, so that it stands in no file.
    static let number = "4000" + "0027" + "6000" + "3184"
    static let code = "9173"

    // MARK: Disguises of a number, as a text

    static var written: [(String, String)] {
        let groups = stride(from: 0, to: 16, by: 4).map { start in String(number.dropFirst(start).prefix(4)) }
        let joints: [(String, String)] = [
            ("nothing", ""), ("a blank", " "), ("two blanks", "  "), ("a dash", "-"), ("a dot", "."), ("a slash", "/"),
            ("a backslash and a blank", "\\ "), ("an underscore", "_"),
            ("a no-break blank", "\u{A0}"), ("a tab", "\t"), ("a line break", "\n"), ("a colon", ":"), ("a comma and a blank", ", "),
            ("a bar", "|"), ("a star", "*"), ("a plus", "+"),
            ("a hyphen", "\u{2010}"), ("a no-break hyphen", "\u{2011}"), ("a figure dash", "\u{2012}"), ("an en dash", "\u{2013}"),
            ("an em dash", "\u{2014}"), ("a minus", "\u{2212}"),
            ("a wide dash", "\u{FF0D}"), ("a thin blank", "\u{2009}"), ("a narrow blank", "\u{202F}"), ("an ideographic blank", "\u{3000}"),
            ("a blank of no width", "\u{200B}"),
            ("a word joiner", "\u{2060}"), ("a soft hyphen", "\u{AD}"), ("a middle dot", "\u{B7}"), ("a bullet", "\u{2022}"),
            ("a mark of direction", "\u{200F}"), ("a blank, a dash, a blank", " - "),
        ]
        let digits: [(String, UInt32)] = [
            ("wide", 0xFF10), ("Arabic", 0x0660), ("Persian", 0x06F0), ("Devanagari", 0x0966), ("Bengali", 0x09E6), ("Thai", 0x0E50),
            ("bold", 0x1D7CE), ("double-struck", 0x1D7D8),
            ("monospaced", 0x1D7F6), ("subscript", 0x2080),
        ]
        func all(_ replace: (Unicode.Scalar) -> String) -> String { number.unicodeScalars.map(replace).joined() }
        return joints.map { ("four groups joined by \($0.0)", groups.joined(separator: $0.1)) }
            + [
                ("digits apart", number.map(String.init).joined(separator: " ")),
                ("digits with dots", number.map(String.init).joined(separator: ".")),
            ]
            + digits.map { name, zero in ("\(name) digits", all { String(Unicode.Scalar(zero + $0.value - 0x30)!) }) }
            + [
                (
                    "half wide",
                    groups[0] + groups[1]
                        + String((groups[2] + groups[3]).unicodeScalars.map { Character(Unicode.Scalar(0xFF10 + $0.value - 0x30)!) })
                ),
                ("zeros before it", "0000\(number)"), ("zeros behind it", "\(number)0000"), ("a chip's data", "5A08\(number)5F2403291231"),
                ("a dump", number.map { "3\($0)" }.joined(separator: " ")), ("a name and its expiry", "PAN:\(number)2912"),
                ("within letters", "x\(number)y"), ("in a sentence", "the card is \(number), thanks"),
                ("in a query", "https://x.test/?pan=\(number)&y=1"),
                ("percent", all { "%" + String($0.value, radix: 16) }), ("one percent", "%34" + number.dropFirst()),
                ("percent twice", all { "%25" + String($0.value, radix: 16) }),
                ("percent u", all { "%u00" + String($0.value, radix: 16) }), ("entities", all { "&#\($0.value);" }),
                ("hexadecimal entities", all { "&#x" + String($0.value, radix: 16) + ";" }),
                ("an entity between", groups.joined(separator: "&nbsp;")), ("entities of entities", all { "&amp;#\($0.value);" }),
                ("backslash u", all { "\\u00" + String($0.value, radix: 16) }),
                ("one backslash u", "\\u0034" + number.dropFirst()), ("backslash x", all { "\\x" + String($0.value, radix: 16) }),
                ("braces", all { "\\u{" + String($0.value, radix: 16) + "}" }),
                ("octal", all { "\\0" + String($0.value, radix: 8) }), ("quoted-printable", all { "=" + String($0.value, radix: 16) }),
                ("Base64", base64(number)), ("Base64 behind a letter", "x" + base64(number)),
                ("Base64 of JSON", base64(#"{"pan":"\#(number)"}"#)), ("Base64 twice", base64(base64(number))),
                ("Base64 of groups", base64(groups.joined(separator: " "))),
                ("Base64 in percent", base64(number).replacing("=", with: "%3D")), ("Base64 of UTF-16", Base64.encode(utf16(number))),
                ("hexadecimal", hex(Array(number.utf8))),
                ("Base64 of gzip", Base64.encode(gzip(number))), ("a track", "%B\(number)^BYRON/ADA^29121010000000000?"),
                ("the other track", ";\(number)=29121010000000?"),
            ]
    }

    private static func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }
    private static func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    static func utf16(_ text: String, bigEndian: Bool = false, mark: Bool = false) -> [UInt8] {
        ((mark ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit -> [UInt8] in
            let (high, low) = (UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit))
            return bigEndian ? [high, low] : [low, high]
        }
    }

    static func utf32(_ text: String, bigEndian: Bool = false, mark: Bool = false) -> [UInt8] {
        ((mark ? [0xFEFF] : []) + text.unicodeScalars.map(\.value)).flatMap { value -> [UInt8] in
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return bigEndian ? bytes.reversed() : bytes
        }
    }

    /// Stored, not packed: what reads it cannot tell.
    static func gzip(_ text: String) -> [UInt8] { [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + stored(text) + [0, 0, 0, 0, 0, 0, 0, 0] }
    static func zlib(_ text: String) -> [UInt8] { [0x78, 0x9C] + stored(text) + [0, 0, 0, 0] }

    private static func stored(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let (low, high) = (UInt8(truncatingIfNeeded: bytes.count), UInt8(bytes.count >> 8))
        return [1, low, high, ~low, ~high] + bytes
    }

    // MARK: Places of a text

    private static func places(_ name: String, _ text: String, isCode: Bool) -> [HidingPlace] {
        let json = JSONValue.string(text)
        func quoted(_ value: JSONValue) -> String { String(decoding: value.bytes, as: UTF8.self) }
        func place(_ whereabouts: String, _ change: (inout HidingPlace.IncomingMessageParts) -> Void) -> HidingPlace {
            var parts = HidingPlace.IncomingMessageParts()
            change(&parts)
            return HidingPlace(description: "\(name), \(whereabouts)", message: parts, isCode: isCode)
        }
        return [
            place("in a member") { $0.body = Array(#"{"note":\#(quoted(json))}"#.utf8) },
            place("in a name") { $0.body = Array(#"{\#(quoted(json)):1}"#.utf8) },
            place("in a body that is no JSON") { $0.body = Array("not json \(text) end".utf8) },
            place("in a broken body") { $0.body = Array(#"{"note":\#(quoted(json)),"x":"#.utf8) },
            place("in UTF-16") { $0.body = utf16("text: \(text)") },
            place("in a header") { $0.headers = [("x", json)] },
            place("deep in a header") { $0.headers = [("a", .object([.init("b", .array([json, .object([.init("c", json)])]))]))] },
            place("in a header's name") { $0.headers = [(text, .integer(1))] },
            place("in the message id") { $0.messageID = text },
            place("in the correlation id") { $0.correlationID = text },
            place("in the content type") { $0.contentType = text },
            place("in the type") { $0.type = text },
            place("in the exchange") { $0.exchange = text },
            place("in the routing key") { $0.routingKey = text },
        ]
    }

    // MARK: Bodies

    private static var bodies: [HidingPlace] {
        let json = #"{"cardNumber":"\#(number)","specversion":"1.0"}"#
        let bodies: [(String, [UInt8])] = [
            ("UTF-16", utf16(json)), ("UTF-16 with a mark", utf16(json, mark: true)),
            ("UTF-16, the other way", utf16(json, bigEndian: true)),
            ("UTF-16, the other way, with a mark", utf16(json, bigEndian: true, mark: true)), ("UTF-32", utf32(json)),
            ("UTF-32 with a mark", utf32(json, mark: true)),
            ("UTF-32, the other way", utf32(json, bigEndian: true)),
            ("UTF-32, the other way, with a mark", utf32(json, bigEndian: true, mark: true)), ("gzip", gzip(json)),
            ("gzip of gzip", gzip(String(decoding: gzip("x"), as: UTF8.self) + number)), ("zlib", zlib(json)),
            ("Latin-1", [0xFC] + Array(json.utf8)), ("binary", [0, 1, 2, 3, 0xFF, 0xFE, 0xFD] + Array(number.utf8)),
            ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(json.utf8)), ("zeros", Array(number.utf8).flatMap { [$0, 0] }),
            ("a list of groups", Array("[4000,\"0027\",6000,3184]".utf8)),
            ("a number", Array(#"{"n":\#(number)}"#.utf8)), ("a number with a fraction", Array(#"{"n":\#(number).0}"#.utf8)),
            ("a number with an exponent", Array(#"{"n":4.\#(number.dropFirst())e15}"#.utf8)),
            ("XML", Array("<card><pan>\(number)</pan></card>".utf8)),
            ("a form", Array("cardnumber=\(number)&x=1".utf8)), ("YAML", Array("card:\n  number: \(number)\n".utf8)),
            ("single quotes", Array("{'pan': '\(number)'}".utf8)),
            ("JSON in JSON", Array(#"{"raw":"{\"pan\":\"\#(number)\"}"}"#.utf8)),
            ("a wrong check digit", Array(#"{"cardNumber":"4000002760003185"}"#.replacing("4000002760003185", with: number).utf8)),
            (
                "the order id of a test number",
                Array(#"{"data":{"order":{"id":"\#(number)"},"paymentMethod":{"bin":"400000","last4":"3184"}}}"#.utf8)
            ),
        ]
        return bodies.map { name, body in
            var parts = HidingPlace.IncomingMessageParts()
            parts.body = body
            return HidingPlace(description: "a body in \(name)", message: parts)
        }
    }

    // MARK: Codes

    private static var codes: [HidingPlace] {
        let names = [
            "cvv", "CVV2", "cvc", "cvvNumber", "cvd", "pin", "cardVerificationNumber", "card_cvv", "security-code", "cid", "csc",
            "cardCvc2", "pinBlock", "verificationValue", "\u{FF43}\u{FF56}\u{FF56}",
        ]
        let notations: [(String, (String) -> String)] = [
            ("JSON", { #"{"\#($0)":"\#(code)"}"# }), ("a JSON number", { #"{"\#($0)":\#(code)}"# }),
            ("deep JSON", { #"{"a":[{"b":{"\#($0)":"\#(code)"}}]}"# }),
            ("broken JSON", { #"{"\#($0)": "\#(code)", "x""# }), ("single quotes", { "{'\($0)': '\(code)'}" }),
            ("a pair", { #"{"name":"\#($0)","value":"\#(code)"}"# }),
            ("JSON in JSON", { #"{"raw":"{\"\#($0)\":\"\#(code)\"}"}"# }), ("XML", { "<x><\($0)>\(code)</\($0)></x>" }),
            ("XML with a prefix", { "<c:\($0) a=\"b\">\(code)</c:\($0)>" }),
            ("character data", { "<\($0)><![CDATA[\(code)]]></\($0)>" }), ("an attribute", { "<card \($0)=\"\(code)\"/>" }),
            ("an element's name", { "<f name=\"\($0)\">\(code)</f>" }),
            ("an element's name and value", { "<f name=\"\($0)\" value=\"\(code)\"/>" }), ("a form", { "a=1&\($0)=\(code)&b=2" }),
            ("a form's brackets", { "card[\($0)]=\(code)" }),
            ("a form in percent", { "card%5B\($0)%5D=\(code)" }), ("YAML", { "card:\n  \($0): \(code)\n" }),
            ("YAML's quotes", { "\($0): '\(code)'" }),
            ("multipart", { "Content-Disposition: form-data; name=\"\($0)\"\r\n\r\n\(code)\r\n--" }),
            ("a text in JSON", { #"{"note":"the \#($0): \#(code)"}"# }), ("Base64", { base64(#"{"\#($0)":"\#(code)"}"#) }),
        ]
        let bodies = names.flatMap { name in
            notations.map { notation, write in
                var parts = HidingPlace.IncomingMessageParts()
                parts.body = Array(write(name).utf8)
                return HidingPlace(description: "\(name) in \(notation)", message: parts, isCode: true)
            }
        }
        let headers = names.map { name in
            var parts = HidingPlace.IncomingMessageParts()
            parts.headers = [(name, .string(code)), ("card", .object([.init(name, .string(code))]))]
            return HidingPlace(description: "\(name) in a header", message: parts, isCode: true)
        }
        return bodies + headers
    }

    static var all: [HidingPlace] { written.flatMap { places($0.0, $0.1, isCode: false) } + bodies + codes }
}
