#include "data/learn_in_passes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <span>

#include "maas/data/figures-inl.hpp"
#include "maas/data/steps.hpp"

namespace maas::inline MAAS_ABI {

namespace {

using Visit = std::function<void(Table part)>;
/// Shows all training rows, as they are or as they are before a step, part by part.
using Pass = std::function<void(const Visit& visit)>;

[[noreturn]] void refuse(const std::string& where, std::string_view who, std::string_view why) {
  fail<ConfigError>(
      "{}: {} cannot learn in a stream, as it {}; standard, min_max, impute with mean, constant or most_frequent, "
      "one_hot, ordinal, log, time_features, valid_range, replace_texts, drop and drop_missing_rows can",
      where, who, why);
}

std::string quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text.empty() ? "none" : text;
}

// The columns a step learns from: those that were asked for, or all of a type.
std::vector<std::string> columns_of(std::string_view who, const Table& table, const std::vector<std::string>& asked,
                                    ColumnType type) {
  std::vector<std::string> found;
  for (const std::string& name : asked.empty() ? table.names() : asked) {
    require<DataError>(table.contains(name), "{}: expected a column \"{}\", got columns {}", who, name,
                       quoted(table.names()));
    const Column& got = table.column(name);
    require<DataError>(asked.empty() || got.type == type, "{}: expected {} in column \"{}\", got {}", who,
                       type_text(Column{.name = name, .type = type}), name, type_text(got));
    if (got.type == type) found.push_back(name);
  }
  require<DataError>(!found.empty(), "{}: expected a column of {}, got none", who,
                     type_text(Column{.name = "", .type = type}));
  return found;
}

// ---- Numbers ----

/// What detail::figures_of finds, column by column: the same sums in the same order.
class ColumnSums {
 public:
  ColumnSums(std::string_view who, std::vector<std::string> names) : who_(who), names_(std::move(names)) {
    figures_.resize(names_.size());
  }
  const std::vector<std::string>& names() const { return names_; }
  const detail::ColumnFigures& of(std::size_t column) const { return figures_[column]; }

  void first_pass(const Pass& pass) {
    pass([&](const Table& part) {
      for (std::size_t i = 0; i < names_.size(); ++i) add(figures_[i], part.numbers(names_[i]));
    });
    for (std::size_t i = 0; i < names_.size(); ++i) {
      detail::ColumnFigures& column = figures_[i];
      require<DataError>(column.count > 0, "{}: expected a number in column \"{}\", got none", who_, names_[i]);
      column.mean /= static_cast<double>(column.count);
    }
  }
  void second_pass(const Pass& pass) {
    pass([&](const Table& part) {
      for (std::size_t i = 0; i < names_.size(); ++i)
        for (double value : part.numbers(names_[i])) {
          const double distance = value - figures_[i].mean;
          if (!std::isnan(distance)) figures_[i].variance += distance * distance;
        }
    });
    for (detail::ColumnFigures& column : figures_) column.variance /= static_cast<double>(column.count);
  }
  void require_finite() const {
    for (std::size_t i = 0; i < names_.size(); ++i)
      require<DataError>(std::isfinite(figures_[i].min) && std::isfinite(figures_[i].max),
                         "{}: expected finite numbers in column \"{}\", got an infinite one", who_, names_[i]);
  }

 private:
  static void add(detail::ColumnFigures& column, const std::vector<double>& values) {
    for (double value : values) {
      if (std::isnan(value)) continue;
      ++column.count;
      column.mean += value;
      column.min = std::min(column.min, value);
      column.max = std::max(column.max, value);
    }
  }

  std::string who_;
  std::vector<std::string> names_;
  std::vector<detail::ColumnFigures> figures_;
};

MinMax learn(MinMax step, const Table& first, const Pass& pass) {
  ColumnSums sums(MinMax::class_name, columns_of(MinMax::class_name, first, step.columns, ColumnType::number));
  sums.first_pass(pass);
  sums.require_finite();
  step.fitted_columns = sums.names();
  for (std::size_t i = 0; i < sums.names().size(); ++i) {
    detail::require_finite_width(MinMax::class_name, sums.of(i));
    step.data_min.push_back(sums.of(i).min), step.data_max.push_back(sums.of(i).max);
  }
  return step;
}

Standard learn(Standard step, const Table& first, const Pass& pass) {
  ColumnSums sums(Standard::class_name, columns_of(Standard::class_name, first, step.columns, ColumnType::number));
  sums.first_pass(pass);
  sums.require_finite();
  sums.second_pass(pass);
  step.fitted_columns = sums.names();
  for (std::size_t i = 0; i < sums.names().size(); ++i)
    step.mean.push_back(sums.of(i).mean),
        step.scale.push_back(detail::standard_scale(Standard::class_name, sums.of(i)));
  return step;
}

// ---- Values that come again ----

constexpr std::size_t most_values = 1000000;

template <class Value>
void count_value(std::map<Value, Index>& counts, const Value& value, std::string_view who, const std::string& column) {
  ++counts[value];
  require<DataError>(counts.size() <= most_values,
                     "{}: expected at most {} different values in column \"{}\", got more", who, most_values, column);
}

// The smallest of those that are equally frequent.
template <class Value>
Value most_frequent(const std::map<Value, Index>& counts, std::string_view who, const std::string& column) {
  require<DataError>(!counts.empty(), "{}: expected a value in column \"{}\", got none", who, column);
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

using TextCounts = std::vector<std::map<std::string, Index>>;

TextCounts count_texts(std::string_view who, const std::vector<std::string>& names, const Pass& pass) {
  TextCounts counts(names.size());
  pass([&](const Table& part) {
    for (std::size_t i = 0; i < names.size(); ++i)
      for (const std::string& text : part.texts(names[i])) count_value(counts[i], text, who, names[i]);
  });
  return counts;
}

std::vector<std::string> categories_of(const std::map<std::string, Index>& counts, bool with_empty) {
  std::vector<std::string> result;
  for (const auto& [text, count] : counts)
    if (with_empty || !text.empty()) result.push_back(text);
  return result;
}

OneHot learn(OneHot step, const Table& first, const Pass& pass) {
  const std::vector<std::string> names = columns_of(OneHot::class_name, first, step.columns, ColumnType::text);
  for (const auto& counts : count_texts(OneHot::class_name, names, pass))
    step.categories.push_back(categories_of(counts, true));
  step.fitted_columns = names;
  step.check();
  return step;
}

Ordinal learn(Ordinal step, const Table& first, const Pass& pass) {
  const std::vector<std::string> names = columns_of(Ordinal::class_name, first, step.columns, ColumnType::text);
  if (step.order.empty())
    for (const auto& counts : count_texts(Ordinal::class_name, names, pass))
      step.categories.push_back(categories_of(counts, false));
  else
    step.categories.assign(names.size(), step.order);
  for (std::size_t i = 0; i < names.size(); ++i)
    require<DataError>(!step.categories[i].empty(), "Ordinal: expected a text in column \"{}\", got none", names[i]);
  step.fitted_columns = names;
  return step;
}

// ---- Impute ----

std::vector<std::map<double, Index>> count_numbers(const std::vector<std::string>& names, const Pass& pass) {
  std::vector<std::map<double, Index>> counts(names.size());
  pass([&](const Table& part) {
    for (std::size_t i = 0; i < names.size(); ++i)
      for (double number : part.numbers(names[i]))
        if (!std::isnan(number)) {
          require<DataError>(std::isfinite(number), "{}: expected finite numbers in column \"{}\", got an infinite one",
                             Impute::class_name, names[i]);
          count_value(counts[i], number, Impute::class_name, names[i]);
        }
  });
  return counts;
}

/// Names of some type, and their places among all.
std::vector<std::string> names_of(const Table& first, const std::vector<std::string>& names, bool texts) {
  std::vector<std::string> result;
  for (const std::string& name : names)
    if ((first.column(name).type == ColumnType::text) == texts) result.push_back(name);
  return result;
}

std::map<std::string, double> learned_numbers(const Impute& step, const std::vector<std::string>& names,
                                              const Pass& pass) {
  std::map<std::string, double> values;
  if (names.empty()) return values;
  if (step.fill == Fill::mean) {
    ColumnSums sums(Impute::class_name, names);
    sums.first_pass(pass);
    sums.require_finite();
    for (std::size_t i = 0; i < names.size(); ++i) values[names[i]] = sums.of(i).mean;
  } else {
    const auto counts = count_numbers(names, pass);
    for (std::size_t i = 0; i < names.size(); ++i)
      values[names[i]] = most_frequent(counts[i], Impute::class_name, names[i]);
  }
  return values;
}

Impute learn(Impute step, const Table& first, const Pass& pass, const std::string& where) {
  if (step.fill == Fill::median) refuse(where + ".fill", "median", "has to see all numbers at once");
  if (step.fill == Fill::forward_fill || step.fill == Fill::linear_interpolation)
    refuse(where + ".fill", "a fill along the rows", "looks at other rows");
  if (step.fill == Fill::constant) {  // it learns names alone
    step.fit(first);
    return step;
  }
  const std::vector<std::string> names =
      step.columns.empty() ? columns_of(Impute::class_name, first, {}, ColumnType::number) : step.columns;
  for (const std::string& name : names) {
    require<DataError>(first.contains(name), "Impute: expected a column \"{}\", got columns {}", name,
                       quoted(first.names()));
    const Column& column = first.column(name);
    require<DataError>(
        column.type == ColumnType::number || (column.type == ColumnType::text && step.fill == Fill::most_frequent),
        "Impute: expected numbers in column \"{}\", got {}", name, type_text(column));
  }
  const std::vector<std::string> texts = names_of(first, names, true);
  const std::map<std::string, double> numbers = learned_numbers(step, names_of(first, names, false), pass);
  std::map<std::string, std::string> frequent;
  if (!texts.empty()) {
    TextCounts counts = count_texts(Impute::class_name, texts, pass);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      counts[i].erase("");
      frequent[texts[i]] = most_frequent(counts[i], Impute::class_name, texts[i]);
    }
  }
  step.fitted_columns = names;
  for (const std::string& name : names) {
    const auto number = numbers.find(name);
    step.values.push_back(number == numbers.end() ? 0 : number->second);
    const auto text = frequent.find(name);
    step.texts.push_back(text == frequent.end() ? std::string() : text->second);
  }
  return step;
}

// ---- Any step ----

template <class... Rules>
bool is_one_of(const Step& step) {
  return ((step.as<Rules>() != nullptr) || ...);
}

// Whether it keeps what it knows, as it does where rows are in memory: nothing is ever learned twice. A fill along the
// rows looks at others whatever it knows.
bool has_learned(const Step& step) {
  const auto* imputer = step.as<Impute>();
  const bool fills_along_rows =
      imputer != nullptr && (imputer->fill == Fill::forward_fill || imputer->fill == Fill::linear_interpolation);
  return step.is_fitted() && !fills_along_rows &&
         is_one_of<MinMax, Standard, Robust, Power, ClipOutliers, OneHot, Ordinal, Impute>(step);
}

template <class Rule>
Step remembering(Rule learned, const LearnedRows& rows) {
  learned.learned_rows.add(rows);
  return learned;
}

// `seen` are the rows of the last pass.
Step learn_step(const Step& step, const Table& first, const Pass& pass, const LearnedRows& seen,
                const std::string& where) {
  if (has_learned(step)) return step;
  if (const auto* each = step.as<MinMax>()) return remembering(learn(*each, first, pass), seen);
  if (const auto* each = step.as<Standard>()) return remembering(learn(*each, first, pass), seen);
  if (const auto* each = step.as<OneHot>()) return remembering(learn(*each, first, pass), seen);
  if (const auto* each = step.as<Ordinal>()) return remembering(learn(*each, first, pass), seen);
  if (const auto* each = step.as<Impute>()) return remembering(learn(*each, first, pass, where), seen);
  // These learn which columns there are, which every part tells.
  if (is_one_of<Drop, DropMissingRows, ValidRange, ReplaceTexts, Log, TimeFeatures>(step)) return step.fit(first);
  if (is_one_of<Lag, Difference, DropDuplicateRows>(step)) refuse(where, step.class_name(), "looks at other rows");
  refuse(where, step.class_name(), "has to see all numbers at once");
}

// The rows as they are behind these steps, without those that one of them leaves out.
Table prepared(Table rows, std::span<const Step> steps) {
  std::vector<bool> kept(static_cast<std::size_t>(rows.rows()), true);
  for (const Step& step : steps) {
    const std::vector<bool> wanted = step.kept_rows(rows);
    for (std::size_t row = 0; row < wanted.size(); ++row) kept[row] = kept[row] && wanted[row];
    rows = step.apply(std::move(rows));
  }
  std::vector<Index> left;
  for (std::size_t row = 0; row < kept.size(); ++row)
    if (kept[row]) left.push_back(static_cast<Index>(row));
  return left.size() == kept.size() ? rows : rows.select(left);
}

// The first part of which all steps leave something.
Table first_whole_part(std::span<const Step> steps, const TableParts& rows, Index part) {
  for (Index first = 0; first < rows.rows; first += part) {
    Table found = rows.read(first, std::min(part, rows.rows - first));
    if (prepared(found, steps).rows() > 0) return found;
  }
  fail<DataError>("Pipeline: expected rows to learn from, got none that is whole");
}

// A few rows that tell of all: those of the first part, and one of the smallest and one of the largest numbers that can
// be.
Table digest_of(const Table& first, std::span<const Step> steps, const Pass& pass) {
  std::vector<double> low(static_cast<std::size_t>(first.columns()), std::numeric_limits<double>::infinity());
  std::vector<double> high(low.size(), -std::numeric_limits<double>::infinity());
  pass([&](Table part) {
    const Table found = detail::judged_numbers(steps, std::move(part));
    for (std::size_t i = 0; i < low.size(); ++i) {
      const Column& column = found.column(static_cast<Index>(i));
      if (column.type != ColumnType::number) continue;
      for (double value : column.numbers)
        if (!std::isnan(value)) low[i] = std::min(low[i], value), high[i] = std::max(high[i], value);
    }
  });
  Table digest;
  for (std::size_t i = 0; i < low.size(); ++i) {
    Column column = first.column(static_cast<Index>(i));
    if (column.type == ColumnType::text)
      column.texts.insert(column.texts.end(), 2, std::string(column.texts.front()));
    else if (column.type == ColumnType::number && low[i] <= high[i])
      column.numbers.insert(column.numbers.end(), {low[i], high[i]});
    else
      column.numbers.insert(column.numbers.end(), 2, double(column.numbers.front()));
    digest.add(std::move(column));
  }
  return digest;
}

}  // namespace

Pipeline learn_in_passes(const PipelineOptions& options, const TableParts& rows, Index part, const std::string& where) {
  Table first = rows.read(0, std::min(part, rows.rows));
  PipelineOptions learned = options;
  std::size_t done = 0;
  const auto before = [&] { return std::span<const Step>(learned.steps).first(done); };
  LearnedRows seen;
  const Pass raw_pass = [&](const Visit& visit) {
    seen = {};
    rows.learn_from_each(part, [&](Table found) {
      seen.add(found.marks());
      visit(std::move(found));
    });
  };
  const Pass pass = [&](const Visit& visit) {
    raw_pass([&](Table found) { visit(prepared(std::move(found), before())); });
  };
  for (; done < learned.steps.size(); ++done) {
    Step& step = learned.steps[done];
    step = learn_step(step, first, pass, seen, fmt::format("{}.steps[{}]", where, done));
    first = step.apply(std::move(first));
  }
  const Table digest = digest_of(first_whole_part(before(), rows, part), before(), raw_pass);
  Pipeline pipeline(std::move(learned));
  pipeline.fit(digest);  // steps that have learned keep what they know
  pipeline.add_learned(seen);
  return pipeline;
}

namespace {

bool leaves_rows_out(const Pipeline& pipeline) {
  return std::any_of(pipeline.steps().begin(), pipeline.steps().end(), is_one_of<DropMissingRows>);
}

/// The same rows, to judge by.
TableParts held_out(TableParts rows) {
  rows.read = [read = std::move(rows.read)](Index first, Index count) {
    Table table = read(first, count);
    table.hold_out();
    return table;
  };
  return rows;
}

/// Samples of rows of which a step leaves some out: where each part's begin is counted once.
class KeptSamples {
 public:
  KeptSamples(TableParts rows, PipelinePointer pipeline, const RowRange& range, Index part)
      : rows_(std::move(rows)), pipeline_(std::move(pipeline)), range_(range), part_(part) {
    for (Index i = 0; i * part_ < range_.size(); ++i) ends_.push_back(size() + samples(i).x.rows());
  }

  Index size() const { return ends_.empty() ? 0 : ends_.back(); }

  void operator()(Index first, MatrixView x, MatrixView y) const {
    auto part = static_cast<Index>(std::upper_bound(ends_.begin(), ends_.end(), first) - ends_.begin());
    for (Index done = 0; done < x.rows(); ++part) {
      const PreparedSamples found = samples(part);
      const Index skipped = first + done - (ends_[static_cast<std::size_t>(part)] - found.x.rows());
      const Index count = std::min(found.x.rows() - skipped, x.rows() - done);
      x.middleRows(done, count) = found.x.middleRows(skipped, count);
      y.middleRows(done, count) = found.y.middleRows(skipped, count);
      done += count;
    }
  }

 private:
  PreparedSamples samples(Index part) const {
    const Index first = range_.begin + part * part_;
    return pipeline_->samples(rows_.read(first, std::min(part_, range_.end - first)));
  }

  TableParts rows_;
  PipelinePointer pipeline_;
  RowRange range_;
  Index part_;
  std::vector<Index> ends_;  // samples up to and with each part
};

}  // namespace

Streamed samples_in_blocks(const PipelinePointer& pipeline, const TableParts& all, Index part, StreamOptions options,
                           const std::string& name) {
  const TableParts rows = options.rows && options.rows->held_out ? held_out(all) : all;
  StreamSource source{.features = Shape{static_cast<Index>(pipeline->feature_names().size())},
                      .targets = Shape{static_cast<Index>(pipeline->target_names().size())},
                      .name = name,
                      .feature_names = pipeline->feature_names(),
                      .target_names = pipeline->target_names()};
  if (leaves_rows_out(*pipeline)) {
    const RowRange range = range_of(rows, options.rows, name);
    KeptSamples kept(rows, pipeline, range, part);
    require<DataError>(kept.size() > 0, "{}: expected rows behind the steps, got none", name);
    options.rows.reset();
    source.rows = kept.size();
    source.read = std::move(kept);
    return Streamed(std::move(source), options);
  }
  source.rows = rows.rows;
  source.read = [rows, pipeline](Index first, MatrixView x, MatrixView y) {
    const Table table = rows.read(first, x.rows());
    x = pipeline->apply(table);
    y = pipeline->targets(table);
  };
  return Streamed(std::move(source), options);
}

}  // namespace maas::inline MAAS_ABI
