#include "recipe/stream_steps.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>

#include "maas/data/figures-inl.hpp"
#include "recipe/parts.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

using Visit = std::function<void(const Table& part)>;
/// Shows all training rows as they are before a step, part by part.
using Pass = std::function<void(const Visit& visit)>;

[[noreturn]] void refuse(const Place& place, std::string_view who, std::string_view why) {
  fail<ConfigError>(
      "{}: {} cannot learn in a stream, as it {}; standard, min_max, impute with mean, constant or most_frequent, "
      "one_hot, ordinal, log, time_features, valid_range, replace_texts, drop and drop_missing_rows can",
      place.text(), who, why);
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

Step learn(MinMax step, const Table& first, const Pass& pass) {
  ColumnSums sums(MinMax::class_name, columns_of(MinMax::class_name, first, step.columns, ColumnType::number));
  sums.first_pass(pass);
  sums.require_finite();
  step.fitted_columns = sums.names();
  for (std::size_t i = 0; i < sums.names().size(); ++i)
    step.data_min.push_back(sums.of(i).min), step.data_max.push_back(sums.of(i).max);
  return step;
}

Step learn(Standard step, const Table& first, const Pass& pass) {
  ColumnSums sums(Standard::class_name, columns_of(Standard::class_name, first, step.columns, ColumnType::number));
  sums.first_pass(pass);
  sums.require_finite();
  sums.second_pass(pass);
  step.fitted_columns = sums.names();
  for (std::size_t i = 0; i < sums.names().size(); ++i)
    step.mean.push_back(sums.of(i).mean), step.scale.push_back(detail::standard_scale(sums.of(i)));
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

Step learn(OneHot step, const Table& first, const Pass& pass) {
  const std::vector<std::string> names = columns_of(OneHot::class_name, first, step.columns, ColumnType::text);
  for (const auto& counts : count_texts(OneHot::class_name, names, pass))
    step.categories.push_back(categories_of(counts, true));
  step.fitted_columns = names;
  step.check();
  return step;
}

Step learn(Ordinal step, const Table& first, const Pass& pass) {
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

Step learn(Impute step, const Table& first, const Pass& pass, const Place& place) {
  if (step.fill == Fill::median) refuse(place.key("fill"), "median", "has to see all numbers at once");
  if (rows_looked_at(step)) refuse(place.key("fill"), "a fill along the rows", "looks at other rows");
  if (step.fill == Fill::constant) return Step(step).fit(first);  // it learns names alone
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

Step learn_step(const Step& step, const Table& first, const Pass& pass, const Place& place) {
  if (const auto* each = step.as<MinMax>()) return learn(*each, first, pass);
  if (const auto* each = step.as<Standard>()) return learn(*each, first, pass);
  if (const auto* each = step.as<OneHot>()) return learn(*each, first, pass);
  if (const auto* each = step.as<Ordinal>()) return learn(*each, first, pass);
  if (const auto* each = step.as<Impute>()) return learn(*each, first, pass, place);
  // These learn which columns there are, which every part tells.
  if (is_one_of<Drop, DropMissingRows, ValidRange, ReplaceTexts, Log, TimeFeatures>(step)) return step.fit(first);
  if (rows_looked_at(step) || is_one_of<DropDuplicateRows>(step))
    refuse(place, step.class_name(), "looks at other rows");
  refuse(place, step.class_name(), "has to see all numbers at once");
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
Table first_whole_part(std::span<const Step> steps, const StreamRows& rows) {
  const Index count = rows.size();
  for (Index first = 0; first < count; first += rows.part) {
    Table part = rows.read(first, std::min(rows.part, count - first));
    if (prepared(part, steps).rows() > 0) return part;
  }
  fail<DataError>("Pipeline: expected rows to learn from, got none that is whole");
}

// A few rows that tell of all: those of the first part, and one of the smallest and one of the largest numbers.
Table digest_of(const Table& first, const StreamRows& rows) {
  std::vector<double> low(static_cast<std::size_t>(first.columns()), std::numeric_limits<double>::infinity());
  std::vector<double> high(low.size(), -std::numeric_limits<double>::infinity());
  rows.learn_from_each([&](const Table& part) {
    for (std::size_t i = 0; i < low.size(); ++i) {
      const Column& column = part.column(static_cast<Index>(i));
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

Pipeline learn_pipeline(const PipelineOptions& options, const StreamRows& rows, const Place& place) {
  Table first = rows.read(0, std::min(rows.part, rows.size()));
  PipelineOptions learned = options;
  std::size_t done = 0;
  const auto before = [&] { return std::span<const Step>(learned.steps).first(done); };
  const Pass pass = [&](const Visit& visit) {
    rows.learn_from_each([&](Table part) { visit(prepared(std::move(part), before())); });
  };
  for (; done < learned.steps.size(); ++done) {
    Step& step = learned.steps[done];
    step = learn_step(step, first, pass, place.key("steps").item(done));
    first = step.apply(std::move(first));
  }
  const Table digest = digest_of(first_whole_part(before(), rows), rows);
  Pipeline pipeline(std::move(learned));
  return pipeline.fit(digest);  // steps that have learned keep what they know
}

bool leaves_rows_out(const Pipeline& pipeline) {
  return std::any_of(pipeline.steps().begin(), pipeline.steps().end(), is_one_of<DropMissingRows>);
}

namespace {

// Of texts that occur equally often the first, in the order of the classes and behind them as they come.
std::string most_frequent(const KnownTarget& known, const std::vector<std::string>& classes) {
  std::string best;
  Index most = 0;
  const auto look_at = [&](const std::string& name, Index count) {
    if (count > most) best = name, most = count;
  };
  for (const std::string& name : classes)
    for (const auto& [text, count] : known.texts)
      if (text == name) look_at(text, count);
  for (const auto& [text, count] : known.texts)
    if (std::find(classes.begin(), classes.end(), text) == classes.end()) look_at(text, count);
  return best;
}

}  // namespace

TargetBaseline baseline_of(const std::string& target, const KnownTarget& known, const Pipeline& pipeline) {
  TargetBaseline found{.target = target};
  const auto* classes = pipeline.classes_of(target);
  found.majority = most_frequent(known, classes == nullptr ? std::vector<std::string>() : *classes);
  if (known.count == 0) return found;
  found.mean = known.sum / static_cast<double>(known.count);
  if (known.all_bits) found.majority = *found.mean > 0.5 ? "1" : "0";
  return found;
}

std::map<std::string, KnownTarget> known_targets(const std::vector<std::string>& targets, const StreamRows& rows) {
  std::map<std::string, KnownTarget> known;
  std::map<std::string, std::map<std::string, std::size_t>> places;
  rows.learn_from_each([&](const Table& part) {
    for (const std::string& name : targets) {
      const Column& column = part.column(name);
      KnownTarget& target = known[name];
      for (double value : column.numbers)
        if (std::isfinite(value)) {
          target.sum += value, ++target.count;
          target.all_bits = target.all_bits && (value == 0 || value == 1);
        }
      for (const std::string& text : column.texts) {
        if (text.empty()) continue;
        const auto [place, is_new] = places[name].emplace(text, target.texts.size());
        if (is_new) target.texts.emplace_back(text, 0);
        ++target.texts[place->second].second;
      }
    }
  });
  return known;
}

}  // namespace maas::inline MAAS_ABI::recipe
