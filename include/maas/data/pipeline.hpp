// Pipeline: from raw rows to what a network takes, learned from training rows only, and saved with the model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/data/number_range.hpp"
#include "maas/data/steps.hpp"

namespace maas::inline MAAS_ABI {

/// What becomes of rows that lack a column which the features are made of.
enum class MissingColumn {
  error,   ///< a DataError that lists the columns there are
  missing  ///< its values count as missing: steps such as Impute may fill them
};

namespace detail {
/// Their names, in order.
inline constexpr std::string_view missing_column_names[] = {"error", "missing"};

/// Raw rows as their ranges are learned and judged: numbers that a ValidRange takes out, before another step changes
/// numbers, are missing.
Table judged_numbers(std::span<const Step> steps, Table table);
}  // namespace detail

/// "error", "missing".
Config to_config(MissingColumn policy);
void from_config(const Config& config, std::string_view where, MissingColumn& policy);

/// How a pipeline prepares rows.
struct PipelineOptions {
  std::vector<Step> steps = {};  ///< in order
  /// The columns that become features, in this order, as they are named before the steps or after them: "kind" stands
  /// for all that OneHot makes of it. Empty: all columns that the steps leave and that are no targets.
  std::vector<std::string> features = {};
  std::vector<std::string> targets = {};  ///< likewise; may be none
  MissingColumn missing_column = MissingColumn::error;
  /// Of raw numbers that features are made of. What is missing, or what a ValidRange takes out, is not judged.
  OutOfRange out_of_range = OutOfRange::error;
  /// How far beyond the training rows a number may lie before OutOfRange::error refuses it: a share of the width of
  /// their range, at least 0. See NumberRange.
  double range_margin = default_range_margin;
  /// Raw columns that hold the same quantity in the same unit, such as the speeds of many detectors: a number of one of
  /// them is held against the range of all together.
  std::vector<std::string> alike = {};
};

/// Samples of a table, made to train or to evaluate with.
struct PreparedSamples {
  Matrix x, y;              ///< features and targets, one sample a row
  std::vector<Index> rows;  ///< the row of the table each one comes from, counted from 0
};

/// Steps in order, and which columns become features and targets. A value: what it learned from training rows is part
/// of it.
///
///     Pipeline pipeline({.steps = {Impute{}, OneHot{}, Standard{.columns = {"flow"}}}, .targets = {"flow"}});
///     pipeline.fit(training);
///     const PreparedSamples samples = pipeline.samples(training);
///     model.fit(samples.x, samples.y);
///     model.info().pipeline = pipeline;      // saved with the model
///     const Matrix y = model.predict(raw);   // a table
///
/// It learns once: fit on a fitted pipeline throws, and nothing else learns. So what it knows is of the rows it was
/// fitted to, and test rows cannot change it. Nor is it judged by rows that it has learned from: calls that are given a
/// table throw DataError where rows of it are held out for validation or test and among those of fit, whichever table
/// they were cut out of; it remembers them in memory, and not in files. Columns that a table has and the training rows
/// had not are passed over. All calls but fit throw StateError before fit.
class Pipeline {
 public:
  static constexpr std::string_view class_name = "Pipeline";

  Pipeline() = default;
  /// Throws ConfigError where a column is named twice, or as a feature and as a target.
  explicit Pipeline(PipelineOptions options);

  /// Learns from training rows, step by step. Throws StateError if it has learned before; DataError for a table without
  /// rows, of rows that a split holds out, or that a step cannot use, for features or targets that are not there or
  /// hold no numbers behind the last step, and for a column that would be both. Then nothing has been learned.
  Pipeline& fit(const Table& training);
  bool is_fitted() const { return !columns_.empty(); }
  /// Says that it has learned from these rows, too, which the table of fit stood for. What learns of rows that are
  /// larger than memory does it (fit_csv).
  void add_learned(const LearnedRows& rows) { learned_rows_.add(rows); }

  /// Features, one row for each row of the table, whatever is missing in it; it needs no targets. Throws DataError for
  /// a column that lacks, holds another type, or values that the policies refuse.
  Matrix apply(const Table& table) const;
  /// The same as a table with names.
  Table prepare(const Table& table) const;
  /// Targets, one row for each row of the table.
  Matrix targets(const Table& table) const;
  /// Features and targets without the rows that a step (DropMissingRows) leaves out: to train and to evaluate with.
  PreparedSamples samples(const Table& table) const;

  /// From what the network gives back to the units of the table: scaling of the targets undone, from the last step to
  /// the first. Categories stay as the numbers they are; of a target that an Ordinal made, there may be one column for
  /// each class, which stays. `raw`, the rows the network was applied to, is needed where a step such as Difference
  /// has to know them, else StateError. Throws ShapeError for another number of columns.
  Matrix invert_targets(MatrixArg y) const { return invert(y, nullptr); }
  Matrix invert_targets(MatrixArg y, const Table& raw) const { return invert(y, &raw); }
  /// The same with names, and with texts where targets are categories: the most probable, or the nearest.
  Table decode_targets(MatrixArg y) const { return decode(y, nullptr); }
  Table decode_targets(MatrixArg y, const Table& raw) const { return decode(y, &raw); }

  /// The steps, fitted or not.
  const std::vector<Step>& steps() const { return steps_; }
  /// Features and targets by name, in the order of their columns.
  const std::vector<std::string>& feature_names() const;
  const std::vector<std::string>& target_names() const;
  /// The columns of raw rows that features are made of: apply needs these, and no other.
  const std::vector<std::string>& needed_columns() const;
  /// The type a column had in the training rows; nothing for one that was not there.
  std::optional<ColumnType> column_type(std::string_view name) const;
  /// The numbers that a column of the training rows had, and how far beyond apply takes others; nothing for one that
  /// was not there, holds no numbers, or had an infinite one: all of its numbers are taken.
  std::optional<NumberRange> range_of(std::string_view name) const;
  /// What becomes of numbers beyond that range.
  OutOfRange out_of_range() const { return out_of_range_; }
  /// The categories that a step made codes of in this target, in the order of their codes; null for a target of
  /// numbers. Valid as long as the pipeline.
  const std::vector<std::string>* classes_of(const std::string& target) const;
  /// The names of what the network gives, if it has that many outputs: the targets, or the classes of the only one.
  /// Nothing where neither fits.
  std::optional<std::vector<std::string>> output_names(Index outputs) const;

  /// What it does, one line for the features, one a step, one for the targets; each ends in a line end.
  std::string text() const;

  /// All of it, what was learned included, with all digits.
  Config config() const;
  /// What does not say `out_of_range` lets numbers pass; what says no `range_margin` takes none beyond the training
  /// rows, and judges what a ValidRange takes out, too: so it was when such files were written. Throws ConfigError for
  /// what config() does not write. `more` are steps of the user's own: catalog_of<Step, MyStep>().
  static Pipeline from(const Config& config, std::span<const CatalogEntry<Step>> more = {});

  friend bool operator==(const Pipeline& a, const Pipeline& b) { return a.config() == b.config(); }

  static void fields(auto& self, auto&& field) {
    field("features", self.features_);
    field("targets", self.targets_);
    field("missing_column", self.missing_column_);
    field("out_of_range", self.out_of_range_);
    field("range_margin", self.range_margin_);
    field("alike", self.alike_);
    field("columns", self.columns_);
    field("types", self.types_);
    field("low", self.low_);
    field("high", self.high_);
    field("feature_names", self.feature_names_);
    field("target_names", self.target_names_);
  }

 private:
  using Names = std::vector<std::string>;

  void check() const;
  void require_fitted() const;
  void note_columns(const Table& training);
  void choose_names(const Table& prepared);
  Names expanded(const Names& names) const;
  Names needed_for(const Names& names) const;
  void trace();
  Column admitted(const Table& table, std::size_t i, bool needed) const;
  Table admit(const Table& table, const Names& needed, bool all) const;
  bool takes_numbers_out() const;
  void trace_ranges();
  void require_in_range(const Table& table) const;
  void keep_in_range(Table& table) const;
  Table run(Table table, std::vector<bool>* kept = nullptr, std::vector<Table>* before = nullptr) const;
  std::vector<Table> tables_before(const Table* raw) const;
  const Names* classes() const;
  Table undo(Table table, const Table* raw, bool encoders) const;
  Matrix invert(MatrixArg y, const Table* raw) const;
  Table decode(MatrixArg y, const Table* raw) const;

  std::vector<Step> steps_;
  Names features_, targets_;  // as asked for
  MissingColumn missing_column_ = MissingColumn::error;
  OutOfRange out_of_range_ = OutOfRange::error;
  std::optional<double> range_margin_;  // nothing: of an older file
  Names alike_;

  // Learned: the columns of the training rows, their types, and the range of those that hold numbers.
  Names columns_, types_;
  std::vector<std::optional<double>> low_, high_;
  Names feature_names_, target_names_;

  // What follows from it: the raw columns that features and targets are made of.
  Names needed_, needed_by_targets_;
  std::vector<std::optional<NumberRange>> ranges_;  // of columns_

  LearnedRows learned_rows_;  // of fit; in memory only
};

/// Pipeline::config.
Config to_config(const Pipeline& pipeline);
/// Pipeline::from, without steps of the user's own.
void from_config(const Config& config, std::string_view where, Pipeline& pipeline);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/pipeline-inl.hpp"
#endif
