// Inputs that are nearly right, for tests that send many of them. MAAS_SERVE_FUZZ_INPUTS in the environment is a number
// of inputs instead of a time, MAAS_SERVE_FUZZ_SEED begins where another run began.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "maas/core/random.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Numbers of one input.
class Draws {
 public:
  explicit Draws(const Random& random) : random_(random) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_.below(drawn_++, count)); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  Random random_;
  std::uint64_t drawn_ = 0;
};

/// What stands in requests, and what should not.
inline const std::vector<std::string> pieces{"[",
                                             "]",
                                             "{",
                                             "}",
                                             ",",
                                             ":",
                                             "\"",
                                             "\\",
                                             "0",
                                             "-1",
                                             "1e39",
                                             "1e-400",
                                             "NaN",
                                             "null",
                                             "true",
                                             "Infinity",
                                             "\xff",
                                             "\\ud800",
                                             "[[",
                                             "]]",
                                             "{}",
                                             "[]",
                                             "\n",
                                             "FP16",
                                             "BYTES",
                                             "INT8",
                                             "\"x\"",
                                             "\"data\"",
                                             "shape",
                                             "inputs",
                                             "outputs",
                                             "\"id\"",
                                             "%",
                                             "%2F",
                                             "/",
                                             "..",
                                             "::",
                                             "-0",
                                             "4611686018427387904",
                                             "18446744073709551616",
                                             "9223372036854775807",
                                             "0.1e1",
                                             "binary_data_size",
                                             "\"parameters\":{}",
                                             "classification",
                                             "sequence_id",
                                             "triton_",
                                             "shared_memory_region",
                                             "sample",
                                             "\"time\":1",
                                             "--AaB03x",
                                             "filename=\"",
                                             "file:2/",
                                             "Zg=="};

inline void mutate(std::string& text, Draws& draw) {
  const std::size_t at = draw.below(text.size() + 1);
  switch (draw.below(7)) {
    case 0:
      text.resize(at);
      break;
    case 1:
      text.insert(at, pieces[draw.below(pieces.size())]);
      break;
    case 2:
      text.erase(at, 1 + draw.below(8));
      break;
    case 3:
      if (at < text.size()) text[at] = static_cast<char>(draw.below(256));
      break;
    case 4:
      text.insert(at, text.substr(draw.below(text.size() + 1), 1 + draw.below(40)));
      break;
    case 5:
      text.replace(at, std::min<std::size_t>(text.size() - at, 1 + draw.below(6)), pieces[draw.below(pieces.size())]);
      break;
    default:
      text.insert(at, 1 + draw.below(50), "[{\"0 "[draw.below(5)]);
      break;
  }
}

inline std::uint64_t number_in_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// So many inputs as are wanted, or for so long; counted, and told of at the end with the seed that repeats them.
class Rounds {
 public:
  explicit Rounds(std::chrono::duration<double> time)
      : end_(start_ + std::chrono::duration_cast<Clock::duration>(time)) {}
  ~Rounds() {
    std::cout << fmt::format("seed {}: {} inputs in {:.1f} s\n", seed, count,
                             std::chrono::duration<double>(Clock::now() - start_).count());
  }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  bool go_on() const { return inputs_ > 0 ? count < inputs_ : Clock::now() < end_; }
  /// Whether it was faster than what stands still somewhere.
  bool has_moved() const {
    return inputs_ > 0 || static_cast<double>(count) > 10 * std::chrono::duration<double>(end_ - start_).count();
  }
  Draws draws() const { return Draws(Random(seed).stream(count)); }

  const std::uint64_t seed = number_in_environment(
      "MAAS_SERVE_FUZZ_SEED", static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  std::uint64_t count = 0;

 private:
  using Clock = std::chrono::steady_clock;
  const std::uint64_t inputs_ = number_in_environment("MAAS_SERVE_FUZZ_INPUTS", 0);
  const Clock::time_point start_ = Clock::now();
  const Clock::time_point end_;
};

}  // namespace maas::inline MAAS_ABI::tests
