// The option --weights: a network with compact weights.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "maas/compress/compact.hpp"

namespace maas::cli {

/// What was asked for; nothing leaves the weights as they are.
struct WeightsOption {
  std::string format;
  Index smallest = CompactOptions{}.smallest;

  std::optional<CompactOptions> options() const {
    if (format.empty()) return std::nullopt;
    return CompactOptions{format == "int8"     ? CompactFormat::int8
                          : format == "packed" ? CompactFormat::packed
                                               : CompactFormat::bfloat16,
                          smallest};
  }
};

inline void add_weights_option(CLI::App& command, WeightsOption& weights, bool packed = true) {
  CLI::Option* option = command.add_option(
      "--weights", weights.format,
      packed ? "Kernels of Dense layers while they are used: bf16, int8, or packed, which is all bits, for few samples"
             : "Rounds kernels of Dense layers to numbers of bf16 or int8");
  option->check(packed ? CLI::IsMember({"bf16", "int8", "packed"}) : CLI::IsMember({"bf16", "int8"}));
  command.add_option("--smallest", weights.smallest, "With --weights: kernels of fewer numbers stay as they are")
      ->needs(option)
      ->check(CLI::Range(Index{0}, Index{1} << 40));
}

inline Network compact_as_asked(const Network& network, const WeightsOption& weights) {
  const std::optional<CompactOptions> options = weights.options();
  return options ? compact(network, *options) : network;
}

}  // namespace maas::cli
