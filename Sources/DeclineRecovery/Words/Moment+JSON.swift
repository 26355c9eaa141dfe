package import JSON

extension JSONObjectWriter {
    /// A moment in RFC 3339. Nearly every message says some, and no text is made of them on the way.
    package mutating func member(_ name: StaticString, _ moment: Moment) {
        member(name, atMost: Moment.longestText) { moment.write(to: $0) }
    }

    package mutating func optional(_ name: StaticString, _ moment: Moment?) {
        if let moment { member(name, moment) }
    }
}
