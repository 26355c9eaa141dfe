extension UInt8 {
    /// A capital of ASCII's as its small letter.
    @inlinable package var smallLetter: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// What the character of a hexadecimal digit counts.
    @inlinable package var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The character of the hexadecimal digit that counts so much, at most 15.
    @inlinable package var hexCharacter: UInt8 { self < 10 ? 0x30 + self : 0x57 + self }
}
