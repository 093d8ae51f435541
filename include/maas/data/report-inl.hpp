// Bodies of DataReport.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "maas/data/cleaning-inl.hpp"
#include "maas/data/figures-inl.hpp"
#include "maas/data/report.hpp"
#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr std::size_t most_rows_named = 20;
inline constexpr double rare = 0.01;  // a share below which something is taken for a slip

inline std::string value_text(ColumnType type, double value) {
  if (std::isnan(value)) return "nan";
  return type == ColumnType::time ? format_time(value) : fmt::format("{:.6g}", value);
}

inline void note_missing(const Column& column, ColumnReport& found) {
  for (Index row = 0; row < column.rows(); ++row) {
    if (!is_missing(column, static_cast<std::size_t>(row))) continue;
    ++found.missing;
    if (found.missing_rows.size() < most_rows_named) found.missing_rows.push_back(row);
  }
}

inline void note_extremes(const Column& column, ColumnReport& found) {
  const double reach = 1.5 * (found.q3 - found.q1);
  double farthest = -1, lowest = std::numeric_limits<double>::infinity();
  for (Index row = 0; row < column.rows(); ++row) {
    const double value = column.numbers[static_cast<std::size_t>(row)];
    if (std::isnan(value)) continue;
    found.negative += value < 0;
    found.outliers += value < found.q1 - reach || value > found.q3 + reach;
    if (value < lowest) lowest = value, found.lowest = row;
    if (std::abs(value - found.median) > farthest) farthest = std::abs(value - found.median), found.farthest = row;
  }
}

inline void note_numbers(const Column& column, ColumnReport& found) {
  std::vector<double> numbers = present(column.numbers);
  const ColumnFigures figures = figures_of(numbers);
  found.constant = figures.count > 0 && figures.min == figures.max;
  const bool any = figures.count > 0;
  found.min = any ? figures.min : missing_number;
  found.max = any ? figures.max : missing_number;
  found.mean = figures.mean;
  found.deviation = std::sqrt(figures.variance);
  std::sort(numbers.begin(), numbers.end());
  found.q1 = any ? quantile_of(numbers, 0.25) : missing_number;
  found.median = any ? quantile_of(numbers, 0.5) : missing_number;
  found.q3 = any ? quantile_of(numbers, 0.75) : missing_number;
  note_extremes(column, found);
}

inline void sort_categories(ColumnReport& found) {
  std::stable_sort(found.categories.begin(), found.categories.end(),
                   [](const CategoryCount& a, const CategoryCount& b) { return a.count > b.count; });
}

/// How numbers that may be classes are shared out.
inline void note_classes(const Column& column, ColumnReport& found) {
  constexpr std::size_t most = 20;
  constexpr Index often = 5;
  std::map<double, Index> counts;
  for (double value : column.numbers) {
    if (std::isnan(value)) continue;
    if (value != std::floor(value)) return;
    ++counts[value];
    if (counts.size() > most) return;
  }
  const auto different = static_cast<Index>(counts.size());
  if (different < 2 || column.rows() - found.missing < often * different) return;
  for (const auto& [value, count] : counts) found.categories.push_back({fmt::format("{:.6g}", value), count});
  sort_categories(found);
}

inline void note_texts(const Column& column, ColumnReport& found) {
  std::map<std::string, Index> counts;
  for (const std::string& text : column.texts)
    if (!text.empty()) ++counts[text];
  for (const auto& [name, count] : counts) found.categories.push_back({name, count});
  sort_categories(found);
  found.constant = found.categories.size() == 1;
  for (double* figure : {&found.min, &found.max, &found.mean, &found.deviation, &found.q1, &found.median, &found.q3})
    *figure = missing_number;
}

inline ColumnReport column_report(const Column& column) {
  ColumnReport found{.name = column.name, .type = column.type};
  note_missing(column, found);
  if (column.type == ColumnType::text)
    note_texts(column, found);
  else
    note_numbers(column, found);
  if (column.type == ColumnType::number) note_classes(column, found);
  return found;
}

/// The cells of a row as bytes that are the same for the same cells.
inline std::string row_key(const Table& table, std::size_t row) {
  std::string key;
  for (Index i = 0; i < table.columns(); ++i) {
    const Column& column = table.column(i);
    if (column.type == ColumnType::text) {
      key += column.texts[row];
      key += '\0';
      continue;
    }
    double value = column.numbers[row] + 0.0;  // -0 is 0
    if (std::isnan(value)) value = missing_number;
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return key;
}

inline std::vector<DuplicateRow> duplicate_rows(const Table& table) {
  std::vector<DuplicateRow> found;
  std::unordered_map<std::string, Index> seen;
  for (Index row = 0; row < table.rows(); ++row) {
    const auto [first, is_new] = seen.emplace(row_key(table, static_cast<std::size_t>(row)), row);
    if (!is_new) found.push_back({row, first->second});
  }
  return found;
}

/// The smallest and the largest of some numbers.
struct NumberLimits {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// The power of 2 that brings the largest size to about 1, so that no square is beyond all numbers or below them.
  double to_one() const {
    constexpr int most = 1000;  // both it and its inverse are numbers
    return std::ldexp(1.0, -std::clamp(std::ilogb(std::max(std::abs(low), std::abs(high))), -most, most));
  }
};

/// NaN where one of them does not vary, or is infinite.
inline double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto both = [&](std::size_t row) { return !std::isnan(a[row]) && !std::isnan(b[row]); };
  NumberLimits limits_a, limits_b;
  for (std::size_t row = 0; row < a.size(); ++row)
    if (both(row)) limits_a.add(a[row]), limits_b.add(b[row]);
  if (!(limits_a.low < limits_a.high && limits_b.low < limits_b.high)) return missing_number;
  const double scale_a = limits_a.to_one(), scale_b = limits_b.to_one();
  double count = 0, mean_a = 0, mean_b = 0;
  for (std::size_t row = 0; row < a.size(); ++row)
    if (both(row)) ++count, mean_a += a[row] * scale_a, mean_b += b[row] * scale_b;
  mean_a /= count, mean_b /= count;
  double aa = 0, bb = 0, ab = 0, rest_a = 0, rest_b = 0;  // rests: what rounding left in the means
  for (std::size_t row = 0; row < a.size(); ++row) {
    if (!both(row)) continue;
    const double x = a[row] * scale_a - mean_a, y = b[row] * scale_b - mean_b;
    aa += x * x, bb += y * y, ab += x * y;
    rest_a += x, rest_b += y;
  }
  aa -= rest_a * rest_a / count, bb -= rest_b * rest_b / count, ab -= rest_a * rest_b / count;
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : missing_number;
}

/// The correlation of two columns, by their places.
struct PlacedCorrelation {
  std::size_t a = 0, b = 0;
  double value = 0;

  /// Whether it is named before another: the stronger first, of equal ones that of earlier columns.
  bool operator<(const PlacedCorrelation& other) const {
    const double size = std::abs(value), other_size = std::abs(other.value);
    return std::tie(other_size, a, b) < std::tie(size, other.a, other.b);
  }
};

inline void keep_strongest(std::vector<PlacedCorrelation>& found) {
  if (found.size() <= DataReport::most_correlations) return;
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(DataReport::most_correlations);
  std::nth_element(found.begin(), end, found.end());
  found.erase(end, found.end());
}

inline std::vector<Correlation> correlations_of(const Table& table, const std::vector<ColumnReport>& columns) {
  std::vector<const Column*> varying;
  for (Index i = 0; i < table.columns(); ++i)
    if (table.column(i).type == ColumnType::number && !columns[static_cast<std::size_t>(i)].constant)
      varying.push_back(&table.column(i));
  std::vector<PlacedCorrelation> found;
  for (std::size_t i = 0; i < varying.size(); ++i)
    for (std::size_t k = i + 1; k < varying.size(); ++k) {
      const double value = correlation(varying[i]->numbers, varying[k]->numbers);
      if (!std::isnan(value)) found.push_back({i, k, value});
      if (found.size() >= 2 * DataReport::most_correlations) keep_strongest(found);
    }
  keep_strongest(found);
  std::sort(found.begin(), found.end());
  std::vector<Correlation> named;
  for (const PlacedCorrelation& each : found)
    named.push_back({varying[each.a]->name, varying[each.b]->name, each.value});
  return named;
}

// ---- Findings ----

inline std::string rows_text(Index count) { return fmt::format("{} row{}", count, count == 1 ? "" : "s"); }

inline std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

inline std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

/// "Tue" begins "Tuesday"; but "light rain" and "light rain and snow" are two things.
inline bool is_short_for(const std::string& text, const std::string& longer) {
  return text.size() >= 3 && longer.starts_with(text) && longer.find(' ', text.size()) == std::string::npos;
}

/// Whether one letter changed, added or left out makes the same of both.
inline bool one_letter_apart(const std::string& a, const std::string& b) {
  const std::string &shorter = a.size() < b.size() ? a : b, &longer = a.size() < b.size() ? b : a;
  if (longer.size() - shorter.size() > 1) return false;
  const auto differs = std::mismatch(shorter.begin(), shorter.end(), longer.begin());
  if (differs.first == shorter.end()) return true;
  const auto skip = shorter.size() == longer.size() ? 1 : 0;
  return std::equal(differs.first + skip, shorter.end(), differs.second + 1, longer.end());
}

/// The same but for blanks and capitals.
inline bool same_text(const std::string& a, const std::string& b) {
  return without_blanks(lower_case(a)) == without_blanks(lower_case(b));
}

/// Whether the same may be meant: one is short for the other, or a letter is wrong.
inline bool look_alike(const std::string& a, const std::string& b) {
  const std::string x = lower_case(a), y = lower_case(b);
  return is_short_for(x, y) || is_short_for(y, x) || (std::min(x.size(), y.size()) >= 4 && one_letter_apart(x, y));
}

inline void find_look_alikes(const ColumnReport& column, std::vector<std::string>& findings) {
  constexpr std::size_t most_categories = 200;
  if (column.categories.size() > most_categories) return;
  for (const CategoryCount& odd : column.categories)
    for (const CategoryCount& usual : column.categories) {
      const bool slip = static_cast<double>(odd.count) <= rare * static_cast<double>(usual.count);
      const bool same = &odd > &usual && same_text(odd.name, usual.name);
      if (!same && !(slip && look_alike(odd.name, usual.name))) continue;
      findings.push_back(fmt::format("\"{}\": \"{}\" ({}) looks like \"{}\" ({})", column.name, odd.name,
                                     rows_text(odd.count), usual.name, rows_text(usual.count)));
      break;
    }
}

inline void find_missing(const ColumnReport& column, std::vector<std::string>& findings) {
  if (column.missing == 0) return;
  std::string rows;
  for (Index row : column.missing_rows) rows += (rows.empty() ? "" : ", ") + std::to_string(row);
  if (column.missing > static_cast<Index>(column.missing_rows.size())) rows += ", ...";
  findings.push_back(fmt::format("\"{}\": missing in {}: {}", column.name, rows_text(column.missing), rows));
}

/// How many numbers are far from the others: beyond Tukey's outer fences; where half of them or more are one number, so
/// that there are none, those that make half of the variance alone.
inline Index count_far(const Column& column, const ColumnReport& found, Index count) {
  const double width = found.q3 - found.q1;
  const double alone = 0.5 * static_cast<double>(count) * found.deviation * found.deviation;
  const auto is_far = [&](double x) {
    return width > 0 ? x < found.q1 - 3 * width || x > found.q3 + 3 * width
                     : (x - found.mean) * (x - found.mean) > alone;
  };
  return std::count_if(column.numbers.begin(), column.numbers.end(), is_far);
}

inline bool is_rare(Index part, Index whole) {
  return part > 0 && static_cast<double>(part) <= rare * static_cast<double>(whole);
}

inline void find_odd_numbers(const Column& column, const ColumnReport& found, std::vector<std::string>& findings) {
  const Index count = column.rows() - found.missing;
  const auto is_infinite = [](double number) { return std::isinf(number); };
  if (const Index infinite = std::ranges::count_if(column.numbers, is_infinite); infinite > 0)
    findings.push_back(fmt::format("\"{}\": {} of {} numbers infinite, the first in row {}", found.name, infinite,
                                   count, std::ranges::find_if(column.numbers, is_infinite) - column.numbers.begin()));
  const auto number_at = [&](Index row) { return column.numbers[static_cast<std::size_t>(row)]; };
  if (is_rare(found.negative, count))
    findings.push_back(fmt::format("\"{}\": {} of {} numbers below 0, the lowest {:.6g} in row {}", found.name,
                                   found.negative, count, number_at(found.lowest), found.lowest));
  const Index far = count_far(column, found, count);
  if (is_rare(far, count))
    findings.push_back(fmt::format("\"{}\": {} of {} numbers far from the others, the farthest {:.6g} in row {}",
                                   found.name, far, count, number_at(found.farthest), found.farthest));
}

inline bool is_number(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

/// "3,5", which is a number where CsvOptions::decimal says so.
inline bool has_decimal_comma(const std::string& text) {
  const std::size_t comma = text.find(',');
  return comma != std::string::npos && is_number(text.substr(0, comma) + "." + text.substr(comma + 1));
}

inline void find_decimal_commas(const Column& column, const ColumnReport& found, std::vector<std::string>& findings) {
  const Index there = column.rows() - found.missing, commas = std::ranges::count_if(column.texts, has_decimal_comma);
  if (commas > 0 && 2 * commas >= there)
    findings.push_back(
        fmt::format("\"{}\": {} of {} texts are numbers with a decimal comma", found.name, commas, there));
}

inline bool is_time(const std::string& text) {
  return parse_time(text, DateOrder::day_first) || parse_time(text, DateOrder::month_first);
}

/// One bad cell among numbers or times makes a column of texts.
inline void find_bad_cells(const Column& column, const ColumnReport& found, std::vector<std::string>& findings) {
  if (column.why_text.empty()) return;
  const Index there = column.rows() - found.missing, numbers = std::ranges::count_if(column.texts, is_number),
              times = std::ranges::count_if(column.texts, is_time), most = std::max(numbers, times);
  if (most > 0 && 2 * most >= there)
    findings.push_back(fmt::format("\"{}\": {} of {} texts are {}, but {}", found.name, most, there,
                                   numbers >= times ? "numbers" : "times", column.why_text));
}

/// "2016-10-30T02:00+01:00", "2016-10-30 02:00 -0500": a time but for the offset of its zone.
inline bool is_time_with_offset(const std::string& text) {
  const std::size_t sign = text.find_last_of("+-");
  if (sign == std::string::npos || is_time(text)) return false;
  std::string offset = text.substr(sign + 1), time = text.substr(0, sign);
  std::erase(offset, ':');
  const bool digits = std::ranges::all_of(offset, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (offset.size() != 2 && offset.size() != 4)) return false;
  if (time.ends_with(' ')) time.pop_back();
  return is_time(time);
}

inline void find_offsets(const Column& column, const ColumnReport& found, std::vector<std::string>& findings) {
  const Index there = column.rows() - found.missing, offsets = std::ranges::count_if(column.texts, is_time_with_offset);
  if (offsets == 0 || 2 * offsets < there) return;
  findings.push_back(fmt::format("\"{}\": {} of {} texts are times with an offset, such as \"{}\"; write times in UTC",
                                 found.name, offsets, there, *std::ranges::find_if(column.texts, is_time_with_offset)));
}

/// Where something comes for the first time, and how often.
struct Occasions {
  Index count = 0, first = -1;

  void add(Index row) {
    if (count++ == 0) first = row;
  }
  std::string text() const {
    return fmt::format("{}, first in row {}", count == 1 ? "once" : fmt::format("{} times", count), first);
  }
};

/// Local times run back where clocks are put back. In a column that does so often, rows are in some other order.
inline void find_times_back(const Column& column, std::vector<std::string>& findings) {
  constexpr Index often = 10;  // one of so many rows
  Occasions back, still;
  double last = missing_number, before_back = missing_number;
  for (Index row = 0; row < column.rows(); ++row) {
    const double time = column.numbers[static_cast<std::size_t>(row)];
    if (time < last && back.count == 0) before_back = last;
    if (time < last) back.add(row);
    if (time == last) still.add(row);
    if (!std::isnan(time)) last = time;
  }
  if (often * (back.count + still.count) > column.rows()) return;
  const auto time_of = [&](Index row) { return format_time(column.numbers[static_cast<std::size_t>(row)]); };
  if (back.count > 0)
    findings.push_back(fmt::format("\"{}\": runs back {}: {} after {}", column.name, back.text(), time_of(back.first),
                                   format_time(before_back)));
  if (still.count > 0)
    findings.push_back(fmt::format("\"{}\": stands still {}: {}", column.name, still.text(), time_of(still.first)));
}

inline void find_duplicates(const std::vector<DuplicateRow>& duplicates, std::vector<std::string>& findings) {
  if (duplicates.empty()) return;
  std::string rows;
  for (std::size_t i = 0; i < std::min(duplicates.size(), most_rows_named); ++i)
    rows += fmt::format("{}{} as {}", i == 0 ? "" : ", ", duplicates[i].row, duplicates[i].first);
  if (duplicates.size() > most_rows_named) rows += ", ...";
  findings.push_back(
      fmt::format("{} the same as one before: {}", rows_text(static_cast<Index>(duplicates.size())), rows));
}

inline std::vector<std::string> findings_of(const Table& table, const DataReport& found) {
  std::vector<std::string> findings;
  for (Index i = 0; i < table.columns(); ++i) {
    const ColumnReport& column = found.columns[static_cast<std::size_t>(i)];
    find_missing(column, findings);
    if (column.constant && found.rows > 1) findings.push_back(fmt::format("\"{}\": never changes", column.name));
    if (column.type == ColumnType::number) find_odd_numbers(table.column(i), column, findings);
    if (column.type == ColumnType::time) find_times_back(table.column(i), findings);
    if (column.type != ColumnType::text) continue;
    find_bad_cells(table.column(i), column, findings);
    find_decimal_commas(table.column(i), column, findings);
    find_offsets(table.column(i), column, findings);
    find_look_alikes(column, findings);
  }
  find_duplicates(found.duplicates, findings);
  return findings;
}

// ---- Text ----

inline std::string numbers_text(const ColumnReport& column) {
  const auto text = [&](double value) { return value_text(column.type, value); };
  if (std::isnan(column.min)) return "no value";
  if (column.type == ColumnType::time) return fmt::format("{} to {}", text(column.min), text(column.max));
  return fmt::format("{} to {}, mean {}, deviation {}, quartiles {}, {}, {}, {} outliers", text(column.min),
                     text(column.max), text(column.mean), text(column.deviation), text(column.q1), text(column.median),
                     text(column.q3), column.outliers);
}

inline std::string categories_text(const ColumnReport& column, Index rows) {
  constexpr std::size_t most = 10;
  std::string text = fmt::format("{} different", column.categories.size());
  const auto known = static_cast<double>(rows - column.missing);
  for (std::size_t i = 0; i < std::min(column.categories.size(), most); ++i) {
    const CategoryCount& each = column.categories[i];
    text += fmt::format("{} \"{}\" {} ({:.1f} %)", i == 0 ? ":" : ",", each.name, each.count,
                        100 * static_cast<double>(each.count) / known);
  }
  return text + (column.categories.size() > most ? ", ..." : "");
}

}  // namespace detail

MAAS_INLINE std::string DataReport::text() const {
  std::string result = fmt::format("{}, {} column{}; rows are counted from 0\n", detail::rows_text(rows),
                                   columns.size(), columns.size() == 1 ? "" : "s");
  for (const ColumnReport& column : columns) {
    std::string figures = column.type == ColumnType::text ? "" : detail::numbers_text(column);
    if (column.type == ColumnType::text || !column.categories.empty())
      figures += (figures.empty() ? "" : "; ") + detail::categories_text(column, rows);
    result += fmt::format("  \"{}\": {}, {} missing; {}\n", column.name, detail::type_text(column.type), column.missing,
                          figures);
  }
  constexpr std::size_t most = 10;
  constexpr double weakest = 0.1;
  for (std::size_t i = 0; i < std::min(correlations.size(), most) && std::abs(correlations[i].value) >= weakest; ++i)
    result += (i == 0 ? "Strongest correlations\n" : "") +
              fmt::format("  {:+.3f} \"{}\" and \"{}\"\n", correlations[i].value, correlations[i].a, correlations[i].b);
  result += findings.empty() ? "Nothing odd\n" : "Odd\n";
  for (const std::string& finding : findings) result += "  " + finding + "\n";
  return result;
}

MAAS_INLINE DataReport report(const Table& table) {
  DataReport found{.rows = table.rows()};
  for (Index i = 0; i < table.columns(); ++i) found.columns.push_back(detail::column_report(table.column(i)));
  found.duplicates = detail::duplicate_rows(table);
  found.correlations = detail::correlations_of(table, found.columns);
  found.findings = detail::findings_of(table, found);
  return found;
}

}  // namespace maas::inline MAAS_ABI
