// LearnedRows: the rows that something has learned from, so that it is not judged by them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/data/row_marks.hpp"

namespace maas::inline MAAS_ABI {

/// The rows that a step, a pipeline, a baseline or a forecaster has learned from, wherever it has met them. In memory
/// only: what comes from a file knows of none. It keeps what the tables kept of their rows, and shares it with them;
/// parts of one table that come one behind the other are kept as one.
class LearnedRows {
 public:
  /// These, too.
  void add(const RowMarks& rows);
  void add(const LearnedRows& others);
  bool empty() const { return learned_.empty(); }
  /// Which of some rows, counted from 0 in what `rows` tells of, are among them.
  std::vector<Index> among(const RowMarks& rows, std::span<const Index> asked) const;

 private:
  std::vector<RowMarks> learned_;
};

namespace detail {

/// The words for what is judged by: "rows" of a "table", that are "held out for validation or test".
struct JudgedText {
  std::string_view what, whole, why;
};

/// Throws DataError where any of `judged`, rows counted from 0 in what `rows` tells of, is among those learned from.
void require_unlearned(std::string_view who, const RowMarks& rows, std::span<const Index> judged,
                       const JudgedText& text, const LearnedRows& learned);

}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/learned_rows-inl.hpp"
#endif
