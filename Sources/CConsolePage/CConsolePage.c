#include "CConsolePage.h"

// README.md says why here.
#ifndef __has_embed
#error "This compiler has no #embed: take Swift 6.3 or newer."
#endif
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char actions_js[] = {
#embed "../Console/Page/actions.js"
};

static const unsigned char api_js[] = {
#embed "../Console/Page/api.js"
};

static const unsigned char console_css[] = {
#embed "../Console/Page/console.css"
};

static const unsigned char console_js[] = {
#embed "../Console/Page/console.js"
};

static const unsigned char desk_js[] = {
#embed "../Console/Page/desk.js"
};

static const unsigned char dialog_js[] = {
#embed "../Console/Page/dialog.js"
};

static const unsigned char dom_js[] = {
#embed "../Console/Page/dom.js"
};

static const unsigned char editor_js[] = {
#embed "../Console/Page/editor.js"
};

static const unsigned char filter_js[] = {
#embed "../Console/Page/filter.js"
};

static const unsigned char flow_js[] = {
#embed "../Console/Page/flow.js"
};

static const unsigned char forecast_js[] = {
#embed "../Console/Page/forecast.js"
};

static const unsigned char index_html[] = {
#embed "../Console/Page/index.html"
};

static const unsigned char keyboard_js[] = {
#embed "../Console/Page/keyboard.js"
};

static const unsigned char letter_js[] = {
#embed "../Console/Page/letter.js"
};

static const unsigned char letters_js[] = {
#embed "../Console/Page/letters.js"
};

static const unsigned char mapping_js[] = {
#embed "../Console/Page/mapping.js"
};

static const unsigned char money_js[] = {
#embed "../Console/Page/money.js"
};

static const unsigned char openapi_json[] = {
#embed "../Console/Page/openapi.json"
};

static const unsigned char overview_js[] = {
#embed "../Console/Page/overview.js"
};

static const unsigned char pauses_js[] = {
#embed "../Console/Page/pauses.js"
};

static const unsigned char place_js[] = {
#embed "../Console/Page/place.js"
};

static const unsigned char recoveries_js[] = {
#embed "../Console/Page/recoveries.js"
};

static const unsigned char runs_js[] = {
#embed "../Console/Page/runs.js"
};

static const unsigned char whatif_js[] = {
#embed "../Console/Page/whatif.js"
};

static const unsigned char words_js[] = {
#embed "../Console/Page/words.js"
};

#define FILE(name, bytes) {name, bytes, sizeof(bytes)}

static const struct console_page_file files[] = {
    FILE("actions.js", actions_js),
    FILE("api.js", api_js),
    FILE("console.css", console_css),
    FILE("console.js", console_js),
    FILE("desk.js", desk_js),
    FILE("dialog.js", dialog_js),
    FILE("dom.js", dom_js),
    FILE("editor.js", editor_js),
    FILE("filter.js", filter_js),
    FILE("flow.js", flow_js),
    FILE("forecast.js", forecast_js),
    FILE("index.html", index_html),
    FILE("keyboard.js", keyboard_js),
    FILE("letter.js", letter_js),
    FILE("letters.js", letters_js),
    FILE("mapping.js", mapping_js),
    FILE("money.js", money_js),
    FILE("openapi.json", openapi_json),
    FILE("overview.js", overview_js),
    FILE("pauses.js", pauses_js),
    FILE("place.js", place_js),
    FILE("recoveries.js", recoveries_js),
    FILE("runs.js", runs_js),
    FILE("whatif.js", whatif_js),
    FILE("words.js", words_js),
};

const struct console_page_file *console_page_files(size_t *count) {
    *count = sizeof(files) / sizeof(files[0]);
    return files;
}
