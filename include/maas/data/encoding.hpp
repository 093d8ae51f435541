// Steps that turn texts into numbers: a column a category, or a code.
#pragma once

#include "maas/data/step.hpp"

namespace maas::inline MAAS_ABI {

/// What becomes of a text that the training rows did not have.
enum class Unseen {
  error,  ///< a DataError that names it
  ignore  ///< OneHot: 0 for every category; Ordinal: the code of its own, unseen_code
};

/// "error", "ignore".
Config to_config(Unseen unseen);
void from_config(const Config& config, std::string_view where, Unseen& unseen);

// Categories are in alphabetical order of their bytes unless an order is given. Undone, numbers become texts again: the
// category with the largest number (OneHot) or the nearest code (Ordinal); an empty one where there is none.

/// A column of 0 and 1 for each category of the training rows, `kind_car` for "car" in `kind`, in the place of the
/// text, as scikit-learn's OneHotEncoder. A missing (empty) text is a category like others, if training rows have it.
struct OneHot {
  static constexpr std::string_view class_name = "OneHot";
  static constexpr std::size_t most_categories = 10000;  ///< of a column; more are a DataError
  std::vector<std::string> columns = {};                 ///< empty: all that hold texts
  Unseen unseen = Unseen::error;

  std::vector<std::string> fitted_columns = {};           ///< learned
  std::vector<std::vector<std::string>> categories = {};  ///< learned: one list a column
  LearnedRows learned_rows = {};                          ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("unseen", self.unseen);
    field("fitted_columns", self.fitted_columns);
    field("categories", self.categories);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
  std::vector<std::string> outputs_of(const std::string& name) const;
  std::vector<std::string> sources_of(const std::string& name) const;
  const std::vector<std::string>* classes_of(const std::string&) const { return nullptr; }
};

/// The number of the category, 0, 1, ..., in the place of its text, as scikit-learn's OrdinalEncoder, and, for targets,
/// its LabelEncoder. A missing (empty) text stays missing.
struct Ordinal {
  static constexpr std::string_view class_name = "Ordinal";
  std::vector<std::string> columns = {};  ///< empty: all that hold texts
  std::vector<std::string> order = {};    ///< the categories of every column, lowest first; empty: what training has
  Unseen unseen = Unseen::error;
  double unseen_code = -1;  ///< for Unseen::ignore

  std::vector<std::string> fitted_columns = {};           ///< learned
  std::vector<std::vector<std::string>> categories = {};  ///< learned: one list a column
  LearnedRows learned_rows = {};                          ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("order", self.order);
    field("unseen", self.unseen);
    field("unseen_code", self.unseen_code);
    field("fitted_columns", self.fitted_columns);
    field("categories", self.categories);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
  const std::vector<std::string>* classes_of(const std::string& name) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/encoding-inl.hpp"
#endif
