/// An amount in the minor units of its currency (cents of a dollar), exact.
///
/// There is no arithmetic: Salvage carries what the CRM charged and never computes a price.
package struct Money: Hashable, Sendable {
    /// At least 1 for a decline; the decoder refuses the rest.
    package let minorUnits: Int64
    package let currency: Currency

    /// What an amount may be, whoever names it: nobody's purchase is larger, and as many as there are can be added up.
    package static let plausible: ClosedRange<Int64> = 0...1_000_000_000_000

    package init(minorUnits: Int64, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }
}

/// A currency by its ISO 4217 code: one that money is kept in, no metal, no test code.
package struct Currency: Hashable, Sendable, CustomStringConvertible {
    package let code: String

    /// `nil` when the text is none of the list's codes.
    package init?(_ code: String) {
        guard code.utf8.count == 3, Self.codes.contains(code) else { return nil }
        self.code = code
    }

    /// ISO 4217, list one, as of 2026, with those that are only now being withdrawn (ANG, BGN).
    static let codes = Set(
        """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
        CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
        GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
        LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
        PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
        TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    package var description: String { code }

    /// Digits after the point (ISO 4217).
    package var fractionDigits: Int {
        switch code {
        case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF": 0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        case "CLF", "UYW": 4
        default: 2
        }
    }
}
