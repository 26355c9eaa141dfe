import JSON

extension CardDataGlance {
    /// Whether there is any reason to search a message for card data, as its texts stand there. It says no only where ``CardDataSearch`` would
    /// find nothing; then the message need not be made a value of its own.
    static func seesReason(in message: JSONDocument) -> Bool {
        let root = message.root
        let data = root["data"]?.place
        // An object may name in one member what stands in another. The message itself has an id and data.
        let id = root["id"]
        if let id, id.isText, root["name"] != nil { return true }
        return !message.goThrough { place, mark, written in
            switch mark {
            case .word, .object: true
            // Twelve digits and more may be a card's.
            case .number: written.count < 12 && written.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
            case .text(isEscaped: false): !seesReason(in: written) && !(place == id?.place && SecretName.isOne(written))
            case .name(isEscaped: false):
                switch OwnNames.find(written) {
                case .plain?: true
                case .value?: place + 1 == data
                case nil: isToken(written) || isHarmless(String(decoding: written, as: UTF8.self))
                }
            case .text(isEscaped: true), .name(isEscaped: true): false
            // Its elements may be one number in pieces.
            case .list(let count): count == 0 || isList(ofObjects: message.node(at: place))
            }
        }
    }

    /// A payment method's, where tokens belong.
    private static func isToken(_ name: UnsafeBufferPointer<UInt8>) -> Bool { name.elementsEqual("token".utf8) }

    private static func isHarmless(_ name: String) -> Bool {
        if seesReason(in: name) || NamedPair.holds(name) { return false }
        switch SecretName(name) {
        case .securityCode, .cardNumber: return false
        // Nobody's card is told by them; what stands there is looked at like anything else.
        case .token, .secret, nil: return true
        }
    }

    private static func isList(ofObjects list: JSONNode) -> Bool { list.firstElement?.isObject ?? true }
}
