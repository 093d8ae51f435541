// Bodies of Pipeline.
#pragma once

#include <algorithm>
#include <limits>
#include <set>

#include "maas/data/cleaning-inl.hpp"
#include "maas/data/correcting-inl.hpp"
#include "maas/data/encoding-inl.hpp"
#include "maas/data/number_range-inl.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/scaling-inl.hpp"
#include "maas/data/temporal-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline bool is_among(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Names in the order in which they came, each once.
class Distinct {
 public:
  void add(const std::string& name) {
    if (seen_.insert(name).second) names_.push_back(name);
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::set<std::string> seen_;
};

inline ColumnType type_from(const std::string& name) {
  return enum_from<ColumnType>(Config(name), "Pipeline types", column_type_names);
}

/// Nothing there: all values missing.
inline Column missing_values(const std::string& name, ColumnType type, Index rows) {
  Column column{.name = name, .type = type};
  if (type == ColumnType::text)
    column.texts.resize(static_cast<std::size_t>(rows));
  else
    column.numbers.assign(static_cast<std::size_t>(rows), missing_number);
  return column;
}

/// Whether no value is there, so that a reader could not know the type.
inline bool is_empty_column(const Column& column) {
  const auto rows = static_cast<std::size_t>(column.rows());
  for (std::size_t row = 0; row < rows; ++row)
    if (!is_missing(column, row)) return false;
  return true;
}

/// The lowest or highest number, if there is one and it is finite.
inline std::optional<double> limit_of(const Column& column, bool high) {
  if (column.type != ColumnType::number) return std::nullopt;
  const ColumnFigures figures = figures_of(column.numbers);
  const double limit = high ? figures.max : figures.min;
  return std::isfinite(limit) ? std::optional(limit) : std::nullopt;
}

/// Whether a step leaves the numbers that it finds in raw columns as they are.
inline bool leaves_numbers(const Step& step) {
  return step.as<Drop>() || step.as<DropMissingRows>() || step.as<DropDuplicateRows>() || step.as<ReplaceTexts>() ||
         step.as<Impute>() || step.as<TimeFeatures>() || step.as<OneHot>() || step.as<Ordinal>() || step.as<Lag>();
}

/// The steps that make raw numbers missing because they cannot be, before any other step changes numbers.
inline std::vector<const ValidRange*> valid_ranges(std::span<const Step> steps) {
  std::vector<const ValidRange*> found;
  for (const Step& step : steps) {
    if (const auto* range = step.as<ValidRange>())
      found.push_back(range);
    else if (!leaves_numbers(step))
      break;
  }
  return found;
}

MAAS_INLINE Table judged_numbers(std::span<const Step> steps, Table table) {
  for (const ValidRange* range : valid_ranges(steps)) table = range->apply(std::move(table));
  return table;
}

/// The position of the largest number in each row, missing where there is none.
inline Column largest_position(MatrixArg scores, const std::string& name) {
  Column column{.name = name};
  for (Index row = 0; row < scores.rows(); ++row) {
    Index best = 0;
    const bool known = !std::isnan(scores.row(row).sum());
    for (Index i = 1; i < scores.cols(); ++i)
      if (scores(row, i) > scores(row, best)) best = i;
    column.numbers.push_back(known ? static_cast<double>(best) : missing_number);
  }
  return column;
}

}  // namespace detail

MAAS_INLINE Config to_config(MissingColumn policy) {
  return detail::missing_column_names[static_cast<std::size_t>(policy)];
}
MAAS_INLINE void from_config(const Config& config, std::string_view where, MissingColumn& policy) {
  policy = detail::enum_from<MissingColumn>(config, where, detail::missing_column_names);
}
// ---- Learning ----

MAAS_INLINE Pipeline::Pipeline(PipelineOptions options)
    : steps_(std::move(options.steps)),
      features_(std::move(options.features)),
      targets_(std::move(options.targets)),
      missing_column_(options.missing_column),
      out_of_range_(options.out_of_range),
      range_margin_(options.range_margin),
      alike_(std::move(options.alike)) {
  check();
}

MAAS_INLINE Pipeline& Pipeline::fit(const Table& training) {
  require<StateError>(!is_fitted(), "Pipeline: it has learned from {} already, and does so once; make another one",
                      detail::quoted_names(columns_));
  detail::require_training(class_name, training);
  require<DataError>(training.rows() > 0, "Pipeline: expected at least 1 row to learn from, got none");
  Pipeline learner = *this;
  learner.note_columns(training);
  Table table = training;
  std::vector<bool> kept(static_cast<std::size_t>(training.rows()), true);
  for (Step& step : learner.steps_) {
    // Rows are marked and not taken out, so that lags reach the same rows here and when the pipeline is applied.
    std::vector<Index> rows;
    for (std::size_t row = 0; row < kept.size(); ++row)
      if (kept[row]) rows.push_back(static_cast<Index>(row));
    require<DataError>(!rows.empty(), "Pipeline: expected rows to learn from before {}, got none that is whole",
                       step.class_name());
    step = rows.size() == kept.size() ? step.fit(table) : step.fit(table.select(rows));
    const std::vector<bool> wanted = step.kept_rows(table);
    for (std::size_t row = 0; row < wanted.size(); ++row) kept[row] = kept[row] && wanted[row];
    table = step.apply(std::move(table));
  }
  learner.choose_names(table);
  learner.check();  // what it would refuse in a file it must not write
  learner.trace();
  learner.learned_rows_.add(training.marks());
  *this = std::move(learner);
  return *this;
}

MAAS_INLINE void Pipeline::note_columns(const Table& training) {
  const Table cleaned = takes_numbers_out() ? detail::judged_numbers(steps_, training) : Table();
  const Table& rows = takes_numbers_out() ? cleaned : training;
  for (Index i = 0; i < rows.columns(); ++i) {
    const Column& column = rows.column(i);
    columns_.push_back(column.name);
    types_.emplace_back(detail::column_type_names[static_cast<std::size_t>(column.type)]);
    std::optional<double> low = detail::limit_of(column, false), high = detail::limit_of(column, true);
    if (!low || !high) low.reset(), high.reset();  // an infinite number: no range
    low_.push_back(low);
    high_.push_back(high);
  }
}

/// What the steps make of columns: "kind" becomes "kind_bus", "kind_car".
MAAS_INLINE Pipeline::Names Pipeline::expanded(const Names& names) const {
  Names current = names;
  for (const Step& step : steps_) {
    detail::Distinct next;
    for (const std::string& name : current)
      for (const std::string& made : step.outputs_of(name)) next.add(made);
    current = next.take();
  }
  return current;
}

MAAS_INLINE void Pipeline::choose_names(const Table& prepared) {
  for (const Names* asked : {&features_, &targets_})
    for (const std::string& name : *asked)
      require<DataError>(!expanded({name}).empty(),
                         "Pipeline: expected a column \"{}\" behind the last step, got it dropped", name);
  target_names_ = expanded(targets_);
  feature_names_ = expanded(features_);
  if (features_.empty())
    for (const std::string& name : prepared.names())
      if (!detail::is_among(target_names_, name)) feature_names_.push_back(name);
  require<DataError>(!feature_names_.empty(), "Pipeline: expected a column of features behind the last step, got none");
  for (const Names* names : {&feature_names_, &target_names_})
    for (const std::string& name : *names) {
      require<DataError>(prepared.contains(name),
                         "Pipeline: expected a column \"{}\" behind the last step, got columns {}", name,
                         detail::quoted_names(prepared.names()));
      const ColumnType type = prepared.column(name).type;
      require<DataError>(type == ColumnType::number,
                         "Pipeline: expected numbers in column \"{}\" behind the last step, got {}; {} it, or Drop it",
                         name, detail::type_text(type),
                         type == ColumnType::text ? "encode (OneHot, Ordinal)" : "use TimeFeatures on");
    }
  for (const std::string& name : feature_names_)
    require<DataError>(
        !detail::is_among(target_names_, name),
        "Pipeline: expected \"{}\" to be a feature or a target, got both; Lag makes a feature of its past", name);
}

/// The raw columns that these columns behind the last step are made of.
MAAS_INLINE Pipeline::Names Pipeline::needed_for(const Names& names) const {
  Names current = names;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    detail::Distinct before;
    for (const std::string& name : current)
      for (const std::string& source : step->sources_of(name)) before.add(source);
    current = before.take();
  }
  return current;
}

MAAS_INLINE void Pipeline::trace() {
  needed_ = needed_for(feature_names_);
  needed_by_targets_ = needed_for(target_names_);
  trace_ranges();
}

MAAS_INLINE void Pipeline::trace_ranges() {
  const std::set<std::string> alike(alike_.begin(), alike_.end());
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (low_[i] && alike.contains(columns_[i])) least = std::min(least, *low_[i]), most = std::max(most, *high_[i]);
  ranges_.assign(columns_.size(), std::nullopt);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!low_[i]) continue;
    const bool is_alike = alike.contains(columns_[i]);
    ranges_[i] = {.low = *low_[i],
                  .high = *high_[i],
                  .least = is_alike ? least : *low_[i],
                  .most = is_alike ? most : *high_[i],
                  .margin = range_margin_.value_or(0)};
  }
}

MAAS_INLINE void Pipeline::require_fitted() const {
  require<StateError>(is_fitted(), "Pipeline: call fit first, with training rows");
}

// ---- Applying ----

/// The i-th column of the training rows as this table has it.
MAAS_INLINE Column Pipeline::admitted(const Table& table, std::size_t i, bool needed) const {
  const std::string& name = columns_[i];
  const ColumnType type = detail::type_from(types_[i]);
  if (!table.contains(name)) {
    require<DataError>(!needed || missing_column_ == MissingColumn::missing,
                       "Pipeline: expected a column \"{}\" of {}, got columns {}", name, detail::type_text(type),
                       detail::quoted_names(table.names()));
    return detail::missing_values(name, type, table.rows());
  }
  const Column& column = table.column(name);
  if (column.type != type && detail::is_empty_column(column)) return detail::missing_values(name, type, table.rows());
  return detail::step_column(class_name, table, name, type);
}

/// The columns that are needed, and with `all` those that are there besides, in the order of the training rows.
MAAS_INLINE Table Pipeline::admit(const Table& table, const Names& needed, bool all) const {
  require_fitted();
  detail::require_unlearned(class_name, table, learned_rows_);
  Table result;
  result.set_made_of(detail::made_of(table));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const bool is_needed = detail::is_among(needed, columns_[i]);
    if (is_needed || (all && table.contains(columns_[i]))) result.add(admitted(table, i, is_needed));
  }
  return result;
}

MAAS_INLINE std::optional<NumberRange> Pipeline::range_of(std::string_view name) const {
  require_fitted();
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  return found == columns_.end() ? std::nullopt : ranges_[static_cast<std::size_t>(found - columns_.begin())];
}

/// Whether a step takes numbers out that are not judged then. Those of an older file are.
MAAS_INLINE bool Pipeline::takes_numbers_out() const {
  return range_margin_.has_value() && !detail::valid_ranges(steps_).empty();
}

MAAS_INLINE void Pipeline::require_in_range(const Table& table) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!ranges_[i] || !table.contains(columns_[i])) continue;
    const NumberRange& range = *ranges_[i];
    const std::vector<double>& cells = table.numbers(columns_[i]);
    for (std::size_t row = 0; row < cells.size(); ++row)
      if (!range.takes(cells[row]))
        fail<DataError>("Pipeline: expected \"{}\" {}, got {} in row {} (counted from 0); {}", columns_[i],
                        range.text(), cells[row], row, NumberRange::choices());
  }
}

/// Refuses or clips numbers beyond those of the training rows. What a step takes out as it cannot be is left to it.
MAAS_INLINE void Pipeline::keep_in_range(Table& table) const {
  if (out_of_range_ == OutOfRange::pass) return;
  const Table cleaned = takes_numbers_out() ? detail::judged_numbers(steps_, table) : Table();
  const Table& seen = takes_numbers_out() ? cleaned : table;
  if (out_of_range_ == OutOfRange::error) return require_in_range(seen);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!ranges_[i] || !table.contains(columns_[i])) continue;
    const std::vector<double>& cells = seen.numbers(columns_[i]);
    std::span<double> numbers = table.edit(columns_[i]);
    for (std::size_t row = 0; row < numbers.size(); ++row)
      if (!std::isnan(cells[row])) numbers[row] = ranges_[i]->clipped(cells[row]);
  }
}

/// Applies all steps. `kept` gets false for rows that training leaves out, `before` the table before each step that can
/// be undone only with it (and an empty one for the others).
MAAS_INLINE Table Pipeline::run(Table table, std::vector<bool>* kept, std::vector<Table>* before) const {
  for (const Step& step : steps_) {
    if (kept != nullptr) {
      const std::vector<bool> wanted = step.kept_rows(table);
      for (std::size_t row = 0; row < wanted.size(); ++row) (*kept)[row] = (*kept)[row] && wanted[row];
    }
    if (before != nullptr) before->push_back(step.inverts_from_before() ? table : Table());
    table = step.apply(std::move(table));
  }
  return table;
}

MAAS_INLINE Table Pipeline::prepare(const Table& table) const {
  Table raw = admit(table, needed_, false);
  keep_in_range(raw);
  const Table all = run(std::move(raw));
  Table result;
  result.set_made_of(detail::made_of(table));
  for (const std::string& name : feature_names_) result.add(all.column(name));
  return result;
}

MAAS_INLINE Matrix Pipeline::apply(const Table& table) const { return prepare(table).matrix(); }

MAAS_INLINE Matrix Pipeline::targets(const Table& table) const {
  const Table raw = admit(table, needed_by_targets_, false);
  require<StateError>(!target_names_.empty(), "Pipeline: expected targets among its options, got none");
  return run(raw).matrix(target_names_);
}

MAAS_INLINE PreparedSamples Pipeline::samples(const Table& table) const {
  PreparedSamples result;
  const Matrix x = apply(table), y = target_names_.empty() ? Matrix(table.rows(), 0) : targets(table);
  std::vector<bool> kept(static_cast<std::size_t>(table.rows()), true);
  Table judged = admit(table, needed_, true);
  if (out_of_range_ == OutOfRange::clip) keep_in_range(judged);  // as apply does; it has refused what is to be refused
  run(std::move(judged), &kept);
  for (std::size_t row = 0; row < kept.size(); ++row)
    if (kept[row]) result.rows.push_back(static_cast<Index>(row));
  const auto count = static_cast<Index>(result.rows.size());
  result.x.resize(count, x.cols());
  result.y.resize(count, y.cols());
  for (Index i = 0; i < count; ++i) {
    result.x.row(i) = x.row(result.rows[static_cast<std::size_t>(i)]);
    result.y.row(i) = y.row(result.rows[static_cast<std::size_t>(i)]);
  }
  return result;
}

// ---- Back to the units of the table ----

MAAS_INLINE const Pipeline::Names* Pipeline::classes_of(const std::string& target) const {
  for (const Step& step : steps_)
    if (const Names* found = step.classes_of(target)) return found;
  return nullptr;
}

/// Those of the only target.
MAAS_INLINE const Pipeline::Names* Pipeline::classes() const {
  return target_names_.size() == 1 ? classes_of(target_names_[0]) : nullptr;
}

MAAS_INLINE std::optional<Pipeline::Names> Pipeline::output_names(Index outputs) const {
  require_fitted();
  const auto count = static_cast<std::size_t>(outputs);
  if (target_names_.size() == count) return target_names_;
  if (const Names* found = classes(); found != nullptr && found->size() == count) return *found;
  return std::nullopt;
}

MAAS_INLINE std::vector<Table> Pipeline::tables_before(const Table* raw) const {
  if (raw != nullptr) detail::require_unlearned(class_name, *raw, learned_rows_);
  std::vector<Table> before(steps_.size());
  const auto wants = [](const Step& step) { return step.inverts_from_before(); };
  if (raw == nullptr || std::none_of(steps_.begin(), steps_.end(), wants)) return before;
  before.clear();
  // Features may be undone without their targets: of these, what is there.
  Table known;
  known.set_made_of(detail::made_of(*raw));
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (detail::is_among(needed_by_targets_, columns_[i]) && raw->contains(columns_[i]))
      known.add(admitted(*raw, i, false));
  run(std::move(known), nullptr, &before);
  return before;
}

MAAS_INLINE Table Pipeline::undo(Table table, const Table* raw, bool encoders) const {
  const std::vector<Table> before = tables_before(raw);
  for (std::size_t i = steps_.size(); i-- > 0;) {
    if (steps_[i].encodes() && !encoders) continue;
    table = steps_[i].invert(std::move(table), raw == nullptr ? nullptr : &before[i]);
  }
  return table;
}

MAAS_INLINE Matrix Pipeline::invert(MatrixArg y, const Table* raw) const {
  const std::optional<Names> names = output_names(y.cols());
  require<ShapeError>(names.has_value(), "Pipeline: expected {} numbers a row, one a target, got {}",
                      target_names_.size(), y.cols());
  if (y.cols() != static_cast<Index>(target_names_.size())) return y;  // scores of classes
  return undo(table_of(y, *names), raw, false).matrix(*names);
}

MAAS_INLINE Table Pipeline::decode(MatrixArg y, const Table* raw) const {
  const std::optional<Names> names = output_names(y.cols());
  require<ShapeError>(names.has_value(), "Pipeline: expected {} numbers a row, one a target, got {}",
                      target_names_.size(), y.cols());
  Table table;
  if (y.cols() == static_cast<Index>(target_names_.size()))
    table = table_of(y, *names);
  else
    table.add(detail::largest_position(y, target_names_[0]));
  return undo(std::move(table), raw, true);
}

// ---- What it is ----

MAAS_INLINE const Pipeline::Names& Pipeline::feature_names() const { return require_fitted(), feature_names_; }
MAAS_INLINE const Pipeline::Names& Pipeline::target_names() const { return require_fitted(), target_names_; }
MAAS_INLINE const Pipeline::Names& Pipeline::needed_columns() const { return require_fitted(), needed_; }

MAAS_INLINE std::optional<ColumnType> Pipeline::column_type(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return detail::type_from(types_[static_cast<std::size_t>(found - columns_.begin())]);
}

MAAS_INLINE std::string Pipeline::text() const {
  const auto list = [](const Names& names) { return detail::quoted_names(names); };
  std::string result = "columns: " + (is_fitted() ? list(needed_) : std::string("not fitted")) + "\n";
  for (const Step& step : steps_) {
    std::string settings;
    const Config all = step.config();
    for (const auto& [key, value] : all.as_object()) {
      if (key == "fitted_columns") break;  // what was learned follows
      if (!value.is_null()) settings += (settings.empty() ? "" : ", ") + key + " " + value.text();
    }
    result += std::string(step.class_name()) + " (" + settings + ")\n";
  }
  result += "features: " + list(is_fitted() ? feature_names_ : features_) + "\n";
  return result + "targets: " + list(is_fitted() ? target_names_ : targets_) + "\n";
}

MAAS_INLINE Config Pipeline::config() const {
  Config::List steps;
  for (const Step& step : steps_) steps.push_back(to_config(step));
  Config result = Config{}.set("steps", std::move(steps));
  const Config rest = write_config(*this);
  for (const auto& [key, value] : rest.as_object()) result.append(key, value);
  return result;
}

MAAS_INLINE Pipeline Pipeline::from(const Config& config, std::span<const CatalogEntry<Step>> more) {
  config.as_object(class_name);
  Config rest = config;
  rest.erase("steps");
  if (config.find("out_of_range") == nullptr) rest.set("out_of_range", to_config(OutOfRange::pass));
  Pipeline pipeline = read_config<Pipeline>(rest);
  if (const Config* steps = config.find("steps"))
    for (const Config& step : steps->as_list("Pipeline steps"))
      pipeline.steps_.push_back(
          BuiltinSteps::make(step.at("class_name").as_string("Pipeline steps"), step.at("config"), "step", more));
  pipeline.check();
  pipeline.trace();
  return pipeline;
}

/// What stands in its fields may come from a file: it must fit together.
MAAS_INLINE void Pipeline::check() const {
  for (const Names* names : {&features_, &targets_, &alike_, &columns_, &feature_names_, &target_names_})
    detail::check_names(class_name, *names);
  require<ConfigError>(!range_margin_ || (*range_margin_ >= 0 && std::isfinite(*range_margin_)),
                       "Pipeline: expected a range_margin of at least 0, got {}", range_margin_.value_or(0));
  for (const Names* pair : {&features_, &feature_names_}) {
    const Names& others = pair == &features_ ? targets_ : target_names_;
    const std::set<std::string_view> targets(others.begin(), others.end());
    for (const std::string& name : *pair)
      require<ConfigError>(!targets.contains(name), "Pipeline: expected \"{}\" to be a feature or a target, got both",
                           name);
  }
  constexpr std::size_t most_steps = 1000;
  require<ConfigError>(steps_.size() <= most_steps, "Pipeline: expected at most {} steps, got {}", most_steps,
                       steps_.size());
  const std::size_t count = columns_.size();
  require<ConfigError>(types_.size() == count && low_.size() == count && high_.size() == count,
                       "Pipeline: expected a type and a range for each of {} columns, got {}, {} and {}", count,
                       types_.size(), low_.size(), high_.size());
  require<ConfigError>(is_fitted() == !feature_names_.empty() && (is_fitted() || target_names_.empty()),
                       "Pipeline: expected columns and features, or neither, got {} and {}", count,
                       feature_names_.size());
  for (std::size_t i = 0; i < count; ++i) {
    const ColumnType type = detail::type_from(types_[i]);
    const bool both = low_[i].has_value() == high_[i].has_value();
    require<ConfigError>(both && (!low_[i] || (type == ColumnType::number && *low_[i] <= *high_[i])),
                         "Pipeline: expected a range of column \"{}\", got one that is none", columns_[i]);
  }
  for (const Step& step : steps_)
    require<ConfigError>(!is_fitted() || step.is_fitted(), "Pipeline: expected fitted steps, got {} that is not",
                         step.class_name());
}

MAAS_INLINE Config to_config(const Pipeline& pipeline) { return pipeline.config(); }

MAAS_INLINE void from_config(const Config& config, std::string_view, Pipeline& pipeline) {
  pipeline = Pipeline::from(config);
}

}  // namespace maas::inline MAAS_ABI
