// Axes as Keras writes them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "maas/core/fields.hpp"

namespace maas::inline MAAS_ABI {

/// One axis or several, as Keras counts them: of samples 0 is the batch, 1 the first axis, -1 the last; of a weight 0
/// is the first. In a config a single one is a number, several are a list; none is an empty list (null is read as
/// none).
struct Axes {
  std::vector<Index> list{};

  Axes() = default;
  Axes(Index axis) : list{axis} {}
  Axes(std::initializer_list<Index> axes) : list(axes) {}
};

inline Config to_config(const Axes& axes) {
  return axes.list.size() == 1 ? to_config(axes.list[0]) : to_config(axes.list);
}
inline void from_config(const Config& config, std::string_view where, Axes& axes) {
  axes.list.clear();
  if (config.is_list()) return from_config(config, where, axes.list);
  if (!config.is_null()) axes.list.push_back(static_cast<Index>(config.as_integer(where)));
}

}  // namespace maas::inline MAAS_ABI
