/// YAML that is far more than its text: an alias stands for all of its anchor, and keys that are lists or mappings, one within the other,
/// are compared whole at each. A few hundred bytes keep a parser busy for hours; no rule needs them.
///
/// Quotes and comments are looked into as well: where one begins only a whole parser knows, for a text may go on over lines, and who is
/// wrong about it misses what stands behind. An alias alone, or an anchor alone, grows nothing; so a quoted `, *limit` refuses no draft.
enum FoldedYAML {
    static func isFolded(_ yaml: String) -> Bool {
        var (hasAnchor, hasAlias) = (false, false)
        // The last letter of the line that is no blank, whether a blank is behind it, and whether it is of a tag.
        var last: Unicode.Scalar?
        var isApart = true
        var isTagged = false
        /// One that may begin a node; what follows decides.
        var sign: Unicode.Scalar?
        for scalar in yaml.unicodeScalars {
            if sign == "&", isOfName(scalar) { hasAnchor = true }
            if sign == "*", isOfName(scalar) { hasAlias = true }
            if sign == "?", opensKey(scalar) || isBlank(scalar) || isBreak(scalar) { return true }
            if hasAnchor, hasAlias { return true }
            sign = nil
            if isBreak(scalar) {
                (last, isApart, isTagged) = (nil, true, false)
            } else if isBlank(scalar) {
                isApart = true
            } else {
                if isSign(scalar), mayBegin(after: last, isApart, isTagged) { sign = scalar }
                isTagged = scalar == "!" || isTagged && !isApart
                (last, isApart) = (scalar, false)
            }
        }
        return false
    }

    private static func mayBegin(after last: Unicode.Scalar?, _ isApart: Bool, _ isTagged: Bool) -> Bool {
        guard let last else { return true }
        return switch last {
        case "[", "{", ",", ":", "?": true
        case "-": isApart
        default: isApart && isTagged
        }
    }

    private static func isSign(_ scalar: Unicode.Scalar) -> Bool { scalar == "&" || scalar == "*" || scalar == "?" }

    /// Whether a key that begins with it may be more than a word.
    private static func opensKey(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "[", "{", "?", "&", "*", "!": true
        default: false
        }
    }

    /// As libyaml has it: a letter, a digit, `_` or `-`.
    private static func isOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\u{FEFF}" }

    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}
