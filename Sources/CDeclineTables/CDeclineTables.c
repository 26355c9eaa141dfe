#include "CDeclineTables.h"

// README.md says why here.
#ifndef __has_embed
#error "This compiler has no #embed: take Swift 6.3 or newer."
#endif
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char abecs_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/abecs.json"
};

static const unsigned char ach_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/ach.json"
};

static const unsigned char adyen_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/adyen.json"
};

static const unsigned char amex_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/amex.json"
};

static const unsigned char authorizenet_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/authorizenet.json"
};

static const unsigned char bkm_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/bkm.json"
};

static const unsigned char braintree_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/braintree.json"
};

static const unsigned char cardpointe_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/cardpointe.json"
};

static const unsigned char cenpos_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/cenpos.json"
};

static const unsigned char checkout_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/checkout.json"
};

static const unsigned char cloudpayments_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/cloudpayments.json"
};

static const unsigned char commercehub_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/commercehub.json"
};

static const unsigned char compass_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/compass.json"
};

static const unsigned char credorax_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/credorax.json"
};

static const unsigned char cybersource_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/cybersource.json"
};

static const unsigned char decidir_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/decidir.json"
};

static const unsigned char discover_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/discover.json"
};

static const unsigned char dlocal_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/dlocal.json"
};

static const unsigned char elavon_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/elavon.json"
};

static const unsigned char elementexpress_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/elementexpress.json"
};

static const unsigned char elo_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/elo.json"
};

static const unsigned char eway_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/eway.json"
};

static const unsigned char fortis_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/fortis.json"
};

static const unsigned char global_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/global.json"
};

static const unsigned char heartland_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/heartland.json"
};

static const unsigned char inovio_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/inovio.json"
};

static const unsigned char iso8583_1993_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/iso8583-1993.json"
};

static const unsigned char iso8583_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/iso8583.json"
};

static const unsigned char jetpay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/jetpay.json"
};

static const unsigned char litle_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/litle.json"
};

static const unsigned char mastercard_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/mastercard.json"
};

static const unsigned char mercadopago_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/mercadopago.json"
};

static const unsigned char merchant_advice_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/merchant-advice.json"
};

static const unsigned char migs_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/migs.json"
};

static const unsigned char moka_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/moka.json"
};

static const unsigned char moneris_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/moneris.json"
};

static const unsigned char nashville_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/nashville.json"
};

static const unsigned char network_ceilings_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/network-ceilings.json"
};

static const unsigned char nmi_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/nmi.json"
};

static const unsigned char ogone_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/ogone.json"
};

static const unsigned char openpay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/openpay.json"
};

static const unsigned char opp_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/opp.json"
};

static const unsigned char payadmit_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payadmit.json"
};

static const unsigned char payflow_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payflow.json"
};

static const unsigned char payhub_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payhub.json"
};

static const unsigned char payjunction_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payjunction.json"
};

static const unsigned char paymentech_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/paymentech.json"
};

static const unsigned char paypal_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/paypal.json"
};

static const unsigned char paysafe_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/paysafe.json"
};

static const unsigned char payu_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payu.json"
};

static const unsigned char payulatam_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payulatam.json"
};

static const unsigned char payway_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/payway.json"
};

static const unsigned char propay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/propay.json"
};

static const unsigned char rapidconnect_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/rapidconnect.json"
};

static const unsigned char rapyd_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/rapyd.json"
};

static const unsigned char razorpay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/razorpay.json"
};

static const unsigned char realex_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/realex.json"
};

static const unsigned char recurly_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/recurly.json"
};

static const unsigned char redsys_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/redsys.json"
};

static const unsigned char sagepay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/sagepay.json"
};

static const unsigned char sepa_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/sepa.json"
};

static const unsigned char shva_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/shva.json"
};

static const unsigned char simetrik_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/simetrik.json"
};

static const unsigned char square_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/square.json"
};

static const unsigned char stripe_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/stripe.json"
};

static const unsigned char text_rules_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/text-rules.json"
};

static const unsigned char transbank_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/transbank.json"
};

static const unsigned char transfirst_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/transfirst.json"
};

static const unsigned char tsys_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/tsys.json"
};

static const unsigned char usaepay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/usaepay.json"
};

static const unsigned char visa_advice_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/visa-advice.json"
};

static const unsigned char visa_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/visa.json"
};

static const unsigned char windcave_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/windcave.json"
};

static const unsigned char worldpay_json[] = {
#embed "../DeclineRecovery/DeclineMapping/Tables/worldpay.json"
};

#define FILE(name, bytes) {name, bytes, sizeof(bytes)}

static const struct decline_table_file files[] = {
    FILE("abecs.json", abecs_json),
    FILE("ach.json", ach_json),
    FILE("adyen.json", adyen_json),
    FILE("amex.json", amex_json),
    FILE("authorizenet.json", authorizenet_json),
    FILE("bkm.json", bkm_json),
    FILE("braintree.json", braintree_json),
    FILE("cardpointe.json", cardpointe_json),
    FILE("cenpos.json", cenpos_json),
    FILE("checkout.json", checkout_json),
    FILE("cloudpayments.json", cloudpayments_json),
    FILE("commercehub.json", commercehub_json),
    FILE("compass.json", compass_json),
    FILE("credorax.json", credorax_json),
    FILE("cybersource.json", cybersource_json),
    FILE("decidir.json", decidir_json),
    FILE("discover.json", discover_json),
    FILE("dlocal.json", dlocal_json),
    FILE("elavon.json", elavon_json),
    FILE("elementexpress.json", elementexpress_json),
    FILE("elo.json", elo_json),
    FILE("eway.json", eway_json),
    FILE("fortis.json", fortis_json),
    FILE("global.json", global_json),
    FILE("heartland.json", heartland_json),
    FILE("inovio.json", inovio_json),
    FILE("iso8583-1993.json", iso8583_1993_json),
    FILE("iso8583.json", iso8583_json),
    FILE("jetpay.json", jetpay_json),
    FILE("litle.json", litle_json),
    FILE("mastercard.json", mastercard_json),
    FILE("mercadopago.json", mercadopago_json),
    FILE("merchant-advice.json", merchant_advice_json),
    FILE("migs.json", migs_json),
    FILE("moka.json", moka_json),
    FILE("moneris.json", moneris_json),
    FILE("nashville.json", nashville_json),
    FILE("network-ceilings.json", network_ceilings_json),
    FILE("nmi.json", nmi_json),
    FILE("ogone.json", ogone_json),
    FILE("openpay.json", openpay_json),
    FILE("opp.json", opp_json),
    FILE("payadmit.json", payadmit_json),
    FILE("payflow.json", payflow_json),
    FILE("payhub.json", payhub_json),
    FILE("payjunction.json", payjunction_json),
    FILE("paymentech.json", paymentech_json),
    FILE("paypal.json", paypal_json),
    FILE("paysafe.json", paysafe_json),
    FILE("payu.json", payu_json),
    FILE("payulatam.json", payulatam_json),
    FILE("payway.json", payway_json),
    FILE("propay.json", propay_json),
    FILE("rapidconnect.json", rapidconnect_json),
    FILE("rapyd.json", rapyd_json),
    FILE("razorpay.json", razorpay_json),
    FILE("realex.json", realex_json),
    FILE("recurly.json", recurly_json),
    FILE("redsys.json", redsys_json),
    FILE("sagepay.json", sagepay_json),
    FILE("sepa.json", sepa_json),
    FILE("shva.json", shva_json),
    FILE("simetrik.json", simetrik_json),
    FILE("square.json", square_json),
    FILE("stripe.json", stripe_json),
    FILE("text-rules.json", text_rules_json),
    FILE("transbank.json", transbank_json),
    FILE("transfirst.json", transfirst_json),
    FILE("tsys.json", tsys_json),
    FILE("usaepay.json", usaepay_json),
    FILE("visa-advice.json", visa_advice_json),
    FILE("visa.json", visa_json),
    FILE("windcave.json", windcave_json),
    FILE("worldpay.json", worldpay_json),
};

const struct decline_table_file *decline_table_files(size_t *count) {
    *count = sizeof(files) / sizeof(files[0]);
    return files;
}
