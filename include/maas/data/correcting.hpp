// Steps that correct what records get wrong: impossible numbers, misspelt texts, rows that come twice.
#pragma once

#include "maas/data/step.hpp"

namespace maas::inline MAAS_ABI {

/// Numbers below `low` or above `high` cannot be, and become missing: a count of -47, a temperature of 0 K. An Impute
/// behind it fills them. The limits themselves are allowed; NaN stays.
struct ValidRange {
  static constexpr std::string_view class_name = "ValidRange";
  std::vector<std::string> columns = {};     ///< empty: all that hold numbers
  std::optional<double> low = std::nullopt;  ///< nothing: no limit
  std::optional<double> high = std::nullopt;

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("low", self.low);
    field("high", self.high);
  }
  void check() const;
  void fit(const Table& training) const;
  Table apply(Table table) const;
};

/// Texts in the place of others: from[i] becomes to[i], wherever it stands alone in a cell. An empty one is a missing
/// cell. Undone, nothing comes back.
struct ReplaceTexts {
  static constexpr std::string_view class_name = "ReplaceTexts";
  std::vector<std::string> columns = {};        ///< empty: all that hold texts
  std::vector<std::string> from = {}, to = {};  ///< as many; `from` without repetition

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("from", self.from);
    field("to", self.to);
  }
  void check() const;
  void fit(const Table& training) const;
  Table apply(Table table) const;
};

/// Leaves rows out of training that have the same cells as one before, as DropMissingRows does with what is missing:
/// where a pipeline is applied, all rows stay. `columns`: where to look; empty: everywhere, as they are at this place
/// among the steps. Two missing numbers count as the same.
struct DropDuplicateRows {
  static constexpr std::string_view class_name = "DropDuplicateRows";
  std::vector<std::string> columns = {};
  static void fields(auto& self, auto&& field) { field("columns", self.columns); }

  void check() const;
  void fit(const Table& training) const;
  Table apply(Table table) const { return table; }
  std::vector<bool> kept_rows(const Table& table) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/correcting-inl.hpp"
#endif
