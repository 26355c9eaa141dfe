package import DeclineRecovery
package import FlexFactor
import Pipeline

extension CardKeys: CardVault {
    package func complaint(about card: SealedCard) -> String? {
        switch hold(keyOf: card) {
        case true?: nil
        case false?: "This worker holds no key for it; compare its kid with SALVAGE_CARD_KEYS, or send a FlexFactor token."
        case nil: "Expected a compact JWE: five parts of Base64url with dots between."
        }
    }
}
