// Bodies of RowMarks.
#pragma once

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

#include "maas/data/row_marks.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline RowMarks::Source selected(const RowMarks::Source& source, std::span<const Index> rows) {
  RowMarks::Source result{.table = source.table, .begin = rows.empty() ? 0 : source.place(rows[0])};
  Index next = result.begin;
  if (std::ranges::all_of(rows, [&](Index row) { return source.place(row) == next++; })) return result;
  result.places.reserve(rows.size());
  for (Index row : rows) result.places.push_back(source.place(row));
  return result;
}

}  // namespace detail

MAAS_INLINE RowMarks::RowMarks(State state) {
  std::vector<bool>& held = state.held_out;
  const auto count = std::count(held.begin(), held.end(), true);
  if (count > 0 && count == static_cast<std::ptrdiff_t>(state.rows)) state.all_held_out = true;
  if (count == 0 || state.all_held_out) held.clear();
  state_ = std::make_shared<const State>(std::move(state));
}

MAAS_INLINE RowMarks RowMarks::of_new(Index rows) {
  static std::atomic<std::uint64_t> last = 0;
  const std::uint64_t number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return RowMarks(State{.rows = rows, .sources = {Source{.table = number}}});
}

MAAS_INLINE RowMarks RowMarks::of_table(std::uint64_t table, Index begin, Index rows) {
  return RowMarks(State{.rows = rows, .sources = {Source{.table = table, .begin = begin}}});
}

MAAS_INLINE RowMarks RowMarks::sized(Index rows) const {
  if (!is_known() || (state_->rows != any_count && state_->rows != rows)) return of_new(rows);
  if (state_->rows == rows) return *this;
  State sized = *state_;
  sized.rows = rows;
  return RowMarks(std::move(sized));
}

MAAS_INLINE std::span<const RowMarks::Source> RowMarks::sources() const {
  return is_known() ? std::span<const Source>(state_->sources) : std::span<const Source>();
}

MAAS_INLINE bool RowMarks::is_held_out(Index row) const {
  return all_held_out() || (any_held_out() && state_->held_out[static_cast<std::size_t>(row)]);
}

MAAS_INLINE std::vector<Index> RowMarks::held_out_rows() const {
  std::vector<Index> found;
  if (!any_held_out()) return found;
  for (Index row = 0; row < rows(); ++row)
    if (is_held_out(row)) found.push_back(row);
  return found;
}

MAAS_INLINE RowMarks RowMarks::select(std::span<const Index> rows) const {
  if (!is_known()) return {};
  State picked{.rows = static_cast<Index>(rows.size()), .sources = {}, .all_held_out = state_->all_held_out};
  for (const Source& source : state_->sources) picked.sources.push_back(detail::selected(source, rows));
  if (!state_->held_out.empty())
    for (Index row : rows) picked.held_out.push_back(is_held_out(row));
  return RowMarks(std::move(picked));
}

MAAS_INLINE RowMarks RowMarks::part(Index begin, Index end) const {
  std::vector<Index> rows(static_cast<std::size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return select(rows);
}

MAAS_INLINE RowMarks RowMarks::with(const RowMarks& other) const {
  if (same_as(other) || !is_known() || !other.is_known() || other.rows() != rows()) return *this;
  State joined = *state_;
  for (const Source& source : other.sources())
    if (std::ranges::find(joined.sources, source) == joined.sources.end()) joined.sources.push_back(source);
  const RowMarks all(std::move(joined));
  return other.all_held_out() ? all.with_all_held_out() : all.with_held_out(other.held_out_rows());
}

MAAS_INLINE RowMarks RowMarks::with_held_out(std::span<const Index> rows) const {
  if (!is_known() || all_held_out() || rows.empty()) return *this;
  State told = *state_;
  told.held_out.resize(static_cast<std::size_t>(told.rows), false);
  for (Index row : rows) told.held_out[static_cast<std::size_t>(row)] = true;
  return RowMarks(std::move(told));
}

MAAS_INLINE RowMarks RowMarks::with_all_held_out() const {
  if (all_held_out()) return *this;
  State told = is_known() ? *state_ : State();
  told.all_held_out = true;
  return RowMarks(std::move(told));
}

}  // namespace maas::inline MAAS_ABI
