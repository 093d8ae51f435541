// Which file rows are read from: a number of it, so that its rows are the same rows whoever reads them.
#pragma once

#include <cstdint>
#include <string>

#include "maas/data/row_marks.hpp"

namespace maas::inline MAAS_ABI {

/// The number that tables of a file's rows have in RowMarks: the same each time, by whatever name the file goes, until
/// its size or its time of change is another. 0 for what is no regular file, whose rows come but once. May be called
/// from any thread.
std::uint64_t number_of_file(const std::string& path);

/// Of rows of a file with that number, from the place `begin` on. Of 0 nothing is known.
RowMarks rows_of_file(std::uint64_t number, Index begin, Index rows);

}  // namespace maas::inline MAAS_ABI
