#pragma once

#include <stddef.h>

/// A data file of decline mapping, as it stands in DeclineMapping/Tables.
struct decline_table_file {
    const char *name;
    const unsigned char *bytes;
    size_t count;
};

/// All of them. They never change, and stay for as long as the program runs.
///
/// - Parameter count: is set to how many there are.
const struct decline_table_file *decline_table_files(size_t *count);
