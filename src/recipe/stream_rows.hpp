// Runs of rows of files that are larger than memory, which follow each other as those of one table do.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "data/table_parts.hpp"
#include "maas/data/split.hpp"
#include "recipe/row_files.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Rows to learn from, or to measure on. Copies share the open files.
struct StreamRows {
  RowFiles files;
  std::vector<RowRange> runs = {};  ///< of rows of the files; none of them is empty
  Index part = 1;                   ///< rows that are looked at together

  Index size() const;
  /// Some of these rows, counted from 0 over all runs, which must be there. It may be called on several threads at
  /// once.
  Table read(Index first, Index count) const;
  /// Those of these ranges alone, counted likewise.
  StreamRows of(std::span<const RowRange> ranges) const;
  StreamRows of(const RowRange& range) const { return of(std::span(&range, 1)); }
  /// Whatever is read of the others through these files is held out.
  void hold_out(const StreamRows& others);

  /// All of them, as what reads some.
  TableParts parts() const;
  /// Calls `visit(part)` for all of them, part by part, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    parts().for_each(part, std::forward<Visit>(visit));
  }
  /// The same, to learn from. Throws DataError where one is held out.
  template <class Visit>
  void learn_from_each(Visit&& visit) const {
    parts().learn_from_each(part, std::forward<Visit>(visit));
  }
};

}  // namespace maas::inline MAAS_ABI::recipe
