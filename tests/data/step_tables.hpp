// Small tables for the tests of steps.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "maas/data/table.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

namespace maas::inline MAAS_ABI::tests {

inline Table table_of(const std::string& name, std::vector<double> numbers) {
  Table table;
  table.add({.name = name, .numbers = std::move(numbers)});
  return table;
}

inline Table texts_of(const std::string& name, std::vector<std::string> texts) {
  Table table;
  table.add({.name = name, .type = ColumnType::text, .texts = std::move(texts)});
  return table;
}

inline Table times_of(const std::string& name, std::vector<double> times) {
  Table table;
  table.add({.name = name, .type = ColumnType::time, .numbers = std::move(times)});
  return table;
}

/// Numbers that are the same but for rounding, and missing in the same places.
inline void check_numbers(const std::vector<double>& got, const std::vector<double>& expected,
                          double tolerance = 1e-12) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t row = 0; row < got.size(); ++row) {
    CAPTURE(row);
    if (std::isnan(expected[row]))
      CHECK(std::isnan(got[row]));
    else
      CHECK(got[row] == Approx(expected[row]).epsilon(tolerance).margin(tolerance));
  }
}

}  // namespace maas::inline MAAS_ABI::tests
