// What scripts/keras/record.py wrote of real Keras: JSON with arrays as {"shape", "values"}.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "io/json.hpp"
#include "support/keras_arrays.hpp"
#include "support/paths.hpp"

namespace maas::inline MAAS_ABI::tests {

inline Config keras_json(const std::string& path) {
  std::ifstream file(own_fixture(fmt::format("keras/{}", path)));
  require<FormatError>(file.good(), "{}: cannot be read", path);
  std::stringstream text;
  text << file.rdbuf();
  return io::parse_json(text.str(), path);
}

}  // namespace maas::inline MAAS_ABI::tests
