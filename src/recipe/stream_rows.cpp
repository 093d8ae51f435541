#include "recipe/stream_rows.hpp"

#include <algorithm>

namespace maas::inline MAAS_ABI::recipe {

namespace {

// The runs of the files that these rows are, which are counted over all runs.
void add_runs(const std::vector<RowRange>& from, const RowRange& rows, std::vector<RowRange>& to) {
  Index before = 0;  // rows of the runs before
  for (const RowRange& run : from) {
    const Index begin = std::max(rows.begin, before), end = std::min(rows.end, before + run.size());
    if (begin < end) to.push_back({run.begin + begin - before, run.begin + end - before});
    before += run.size();
  }
}

}  // namespace

Index StreamRows::size() const {
  Index rows = 0;
  for (const RowRange& run : runs) rows += run.size();
  return rows;
}

Table StreamRows::read(Index first, Index count) const {
  std::vector<RowRange> wanted;
  add_runs(runs, {first, first + count}, wanted);
  return files.read(wanted);
}

TableParts StreamRows::parts() const {
  return {.rows = size(), .read = [rows = *this](Index first, Index count) { return rows.read(first, count); }};
}

StreamRows StreamRows::of(std::span<const RowRange> ranges) const {
  StreamRows found{files, {}, part};
  for (const RowRange& range : ranges) add_runs(runs, range, found.runs);
  return found;
}

void StreamRows::hold_out(const StreamRows& others) {
  for (const RowRange& run : others.runs) files.hold_out(run);
}

}  // namespace maas::inline MAAS_ABI::recipe
