#pragma once

#include <stddef.h>

/// A file of the console's page, as it stands in Console/Page.
struct console_page_file {
    const char *name;
    const unsigned char *bytes;
    size_t count;
};

/// All of them. They never change, and stay for as long as the program runs.
///
/// - Parameter count: is set to how many there are.
const struct console_page_file *console_page_files(size_t *count);
