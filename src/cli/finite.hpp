// Options that are numbers, and never NaN.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>

namespace maas::cli {

/// The same check, which also refuses what is no finite number. CLI11's own let "nan" through every range, as no
/// comparison with it is true.
inline CLI::Validator finite(const CLI::Validator& check) {
  CLI::Validator result = check;
  result.operation([check](std::string& input) {
    double value = 0;
    if (CLI::detail::lexical_cast(input, value) && !std::isfinite(value))
      return "expected a finite number, got " + input;
    return check(input);
  });
  return result;
}

}  // namespace maas::cli
