// Where batches come from: a walk over the rows of a data set, or a function of the user's that fills one in: the
// bodies.
#pragma once

#include "maas/data/batches.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void RowBatches::begin(std::int64_t step) {
  drawn_at = step;
  taken = 0;
  draw();
}

MAAS_INLINE std::span<const Index> RowBatches::next(std::int64_t step) {
  if (taken >= count()) begin(step);
  const Index first = taken++ * batch_;
  return std::span(order_).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>(std::min(batch_, rows() - first)));
}

MAAS_INLINE void RowBatches::draw() {
  std::iota(order_.begin(), order_.end(), Index(0));
  if (!shuffle_) return;
  const Random random = Random(seed_).stream(1).stream(static_cast<std::uint64_t>(drawn_at));
  for (std::uint64_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i, i)]);
}

}  // namespace maas::inline MAAS_ABI
