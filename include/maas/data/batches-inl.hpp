// Where batches come from: a walk over the rows of a data set, or a function of the user's that fills one in: the
// bodies.
#pragma once

#include "maas/data/batches.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void shuffle_rows(std::span<Index> rows, const Random& random) {
  for (std::uint64_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i, i)]);
}

}  // namespace detail

MAAS_INLINE RowBatches::RowBatches(const Dataset& data, Index batch, bool shuffle, std::uint64_t seed)
    : data_(data), rows_(data.size()), batch_(batch), shuffle_(shuffle), seed_(seed), layout_(data.blocks()) {
  taken = count();
  if (layout_.rows <= 0) {
    order_.resize(static_cast<std::size_t>(rows_));
    return;
  }
  layout_.mixed = std::max<Index>(layout_.mixed, 1);
  blocks_.resize(static_cast<std::size_t>((rows_ + layout_.rows - 1) / layout_.rows));
  next_.reserve(static_cast<std::size_t>(std::min(batch_, rows_)));
}

MAAS_INLINE void RowBatches::begin(std::int64_t step) {
  drawn_at = step;
  taken = 0;
  draw();
}

MAAS_INLINE void RowBatches::draw() {
  if (layout_.rows > 0) return draw_blocks();
  std::iota(order_.begin(), order_.end(), Index(0));
  if (shuffle_) detail::shuffle_rows(order_, random());
}

MAAS_INLINE void RowBatches::draw_blocks() {
  std::iota(blocks_.begin(), blocks_.end(), Index(0));
  if (shuffle_) detail::shuffle_rows(blocks_, random());
  run_begins_.clear();
  Index place = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (static_cast<Index>(i) % layout_.mixed == 0) run_begins_.push_back(place);
    place += std::min(layout_.rows, rows_ - blocks_[i] * layout_.rows);
  }
  run_begins_.push_back(place);
  run_ = -1;
  data_.announce(blocks_);
}

// The rows of some blocks that follow each other in this pass.
MAAS_INLINE void RowBatches::draw_run(Index run) {
  if (run == run_) return;
  run_ = run;
  order_.clear();
  const Index first = run * layout_.mixed, end = std::min(first + layout_.mixed, static_cast<Index>(blocks_.size()));
  for (Index i = first; i < end; ++i) {
    const Index begin = blocks_[static_cast<std::size_t>(i)] * layout_.rows;
    for (Index row = begin; row < std::min(begin + layout_.rows, rows_); ++row) order_.push_back(row);
  }
  if (shuffle_) detail::shuffle_rows(order_, random().stream(static_cast<std::uint64_t>(run)));
}

MAAS_INLINE Index RowBatches::run_of(Index place) const {
  return std::upper_bound(run_begins_.begin(), run_begins_.end(), place) - run_begins_.begin() - 1;
}

MAAS_INLINE std::span<const Index> RowBatches::next(std::int64_t step) {
  if (taken >= count()) begin(step);
  const Index first = taken++ * batch_, size = std::min(batch_, rows() - first);
  if (layout_.rows <= 0)
    return std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
  next_.clear();
  Index run = run_of(first);
  for (Index place = first; place < first + size; ++place) {
    if (place == run_begins_[static_cast<std::size_t>(run + 1)]) ++run;
    draw_run(run);
    next_.push_back(order_[static_cast<std::size_t>(place - run_begins_[static_cast<std::size_t>(run)])]);
  }
  return next_;
}

}  // namespace maas::inline MAAS_ABI
