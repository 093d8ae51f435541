// Bodies of LearnedRows.
#pragma once

#include <algorithm>

#include "maas/data/learned_rows.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Sets `found` for each asked row of `source` whose place is among the `count` rows of `known`, of the same table.
inline void find_known(const RowMarks::Source& known, Index count, const RowMarks::Source& source,
                       std::span<const Index> asked, std::vector<bool>& found) {
  std::vector<Index> places = known.places;
  std::sort(places.begin(), places.end());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Index place = source.place(asked[i]);
    const bool is_known = places.empty() ? place >= known.begin && place - known.begin < count
                                         : std::binary_search(places.begin(), places.end(), place);
    if (is_known) found[i] = true;
  }
}

/// Whether these are the rows behind those, on end in the same table.
inline bool goes_on(const RowMarks& before, const RowMarks& rows) {
  if (before.sources().size() != 1 || rows.sources().size() != 1) return false;
  const RowMarks::Source &first = before.sources()[0], &next = rows.sources()[0];
  return first.table == next.table && first.places.empty() && next.places.empty() && before.rows() > 0 &&
         rows.rows() > 0 && first.begin + before.rows() == next.begin;
}

}  // namespace detail

MAAS_INLINE void LearnedRows::add(const LearnedRows& others) {
  for (const RowMarks& each : others.learned_) add(each);
}

MAAS_INLINE void LearnedRows::add(const RowMarks& rows) {
  if (!learned_.empty() && detail::goes_on(learned_.back(), rows)) {
    const RowMarks::Source& first = learned_.back().sources()[0];
    learned_.back() = RowMarks::of_table(first.table, first.begin, learned_.back().rows() + rows.rows());
    return;
  }
  const bool is_there = std::ranges::any_of(learned_, [&](const RowMarks& each) { return each.same_as(rows); });
  if (rows.is_known() && !is_there) learned_.push_back(rows);
}

MAAS_INLINE std::vector<Index> LearnedRows::among(const RowMarks& rows, std::span<const Index> asked) const {
  std::vector<bool> found(asked.size(), false);
  for (const RowMarks& each : learned_)
    for (const RowMarks::Source& known : each.sources())
      for (const RowMarks::Source& source : rows.sources())
        if (known.table == source.table) detail::find_known(known, each.rows(), source, asked, found);
  std::vector<Index> result;
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (found[i]) result.push_back(asked[i]);
  return result;
}

MAAS_INLINE void detail::require_unlearned(std::string_view who, const RowMarks& rows, std::span<const Index> judged,
                                           const JudgedText& text, const LearnedRows& learned) {
  const std::vector<Index> known = learned.among(rows, judged);
  if (known.empty()) return;
  fail<DataError>(
      "{0}: expected {1} to judge by that it has not learned from, got {2} {1} that are {3}, of which {4}, {5}row {6} "
      "(counted from 0) of the {7} they were first in, it has learned from",
      who, text.what, judged.size(), text.why, known.size(), known.size() == 1 ? "" : "the first of them ",
      rows.sources().front().place(known.front()), text.whole);
}

}  // namespace maas::inline MAAS_ABI
