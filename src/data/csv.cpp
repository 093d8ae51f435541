// Reading of CSV files: libcsv splits text into cells; what they mean is settled here.
#include "maas/data/csv.hpp"

#include <csv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "data/csv_rows.hpp"
#include "data/file_rows.hpp"
#include "maas/core/utf8.hpp"

namespace maas::inline MAAS_ABI {

namespace {

/// All cells of a file, row after row.
struct Cells {
  std::string text;               // the cells, one behind the other
  std::vector<std::size_t> ends;  // where each one ends in `text`
  std::vector<Index> lines;       // the line each row begins on, counted from 1
  Index columns = 0;

  Index rows() const { return static_cast<Index>(lines.size()); }
  std::string_view at(Index row, Index column) const {
    const std::size_t i = static_cast<std::size_t>(row * columns + column);
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
};

// The text up to and with its next line end: LF, CRLF or CR.
std::string_view first_line_of(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text;
  return text.substr(0, text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Feeds libcsv line by line, so that each row's line is known and comments can be passed over.
class Splitter {
 public:
  /// Rows of `columns` cells, or of as many as the first has if that is 0; `line` is the number of the first line.
  Splitter(const std::string& name, char separator, char comment, Index columns = 0, Index line = 1)
      : name_(name), comment_(comment), line_(line), row_line_(line) {
    cells_.columns = columns;
    // Strict: a quote inside a cell without quotes, or text behind a closing quote, is an error and not a guess.
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_blk_size(&parser_, 4096);
  }
  Splitter(const Splitter&) = delete;
  Splitter& operator=(const Splitter&) = delete;
  ~Splitter() { csv_free(&parser_); }

  Cells split(std::string_view text) {
    cells_.text.reserve(text.size());
    for (; !text.empty(); ++line_) {
      const std::string_view line = first_line_of(text);
      text.remove_prefix(line.size());
      if (!inside_row_) row_line_ = line_;
      if (inside_row_ || comment_ == '\0' || line.front() != comment_) feed(line);
    }
    if (csv_fini(&parser_, on_cell, on_row, this) != 0)
      fail<FormatError>("{}:{}:{}: expected a closing quote, got the end of the file", name_, row_line_,
                        cells_in_row_ + 1);
    if (error_) std::rethrow_exception(error_);
    return std::move(cells_);
  }

 private:
  void feed(std::string_view line) {
    row_ended_ = false;
    const std::size_t parsed = csv_parse(&parser_, line.data(), line.size(), on_cell, on_row, this);
    if (error_) std::rethrow_exception(error_);
    if (parsed != line.size()) {
      if (csv_error(&parser_) != CSV_EPARSE) throw std::bad_alloc();
      fail<FormatError>("{}:{}:{}: expected quotes around a whole cell, got one inside it", name_, line_,
                        cells_in_row_ + 1);
    }
    inside_row_ = !row_ended_ && (inside_row_ || !is_blank(line));
  }

  // libcsv is C: exceptions must not pass through it, so the first one waits in error_.
  template <class Action>
  void guarded(Action&& action) noexcept {
    if (error_) return;
    try {
      action();
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  static void on_cell(void* cell, std::size_t size, void* self) {
    auto& splitter = *static_cast<Splitter*>(self);
    splitter.guarded([&] { splitter.add_cell({static_cast<const char*>(cell), size}); });
  }
  static void on_row(int, void* self) {
    auto& splitter = *static_cast<Splitter*>(self);
    splitter.guarded([&] { splitter.end_row(); });
  }

  void add_cell(std::string_view cell) {
    cells_.text += cell;
    cells_.ends.push_back(cells_.text.size());
    ++cells_in_row_;
  }
  void end_row() {
    if (cells_.columns == 0) cells_.columns = cells_in_row_;
    require<FormatError>(cells_in_row_ == cells_.columns, "{}:{}:{}: expected {} cells, as in the first row, got {}",
                         name_, row_line_, std::min(cells_in_row_, cells_.columns) + 1, cells_.columns, cells_in_row_);
    cells_.lines.push_back(row_line_);
    cells_in_row_ = 0;
    row_ended_ = true;
  }

  const std::string& name_;
  char comment_;
  csv_parser parser_{};
  Cells cells_;
  std::exception_ptr error_;
  Index line_, row_line_, cells_in_row_ = 0;
  bool inside_row_ = false, row_ended_ = false;
};

// The most frequent of the usual separators, outside quotes, in the first line that holds something.
char find_separator(std::string_view text, char comment) {
  std::string_view line;
  while (!text.empty() && (is_blank(line) || (comment != '\0' && line.front() == comment))) {
    line = first_line_of(text);
    text.remove_prefix(line.size());
  }
  constexpr std::array<char, 3> separators{',', ';', '\t'};
  std::array<Index, 3> counts{};
  bool quoted = false;
  for (char c : line) {
    if (c == '"') quoted = !quoted;
    for (std::size_t i = 0; i < separators.size() && !quoted; ++i) counts[i] += c == separators[i];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return separators[static_cast<std::size_t>(most - counts.begin())];
}

std::optional<double> parse_number(std::string_view cell, char decimal) {
  std::string with_point;
  if (decimal != '.') {
    with_point = cell;
    for (char& c : with_point) c = c == decimal ? '.' : c == '.' ? decimal : c;
    cell = with_point;
  }
  if (cell.starts_with("+-")) return std::nullopt;
  if (cell.starts_with('+')) cell.remove_prefix(1);
  const auto read = [&](auto& value) {
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    return end == cell.data() + cell.size() ? error : std::errc::invalid_argument;
  };
  double value = 0;
  const std::errc problem = read(value);
  if (problem == std::errc{}) return value;
  // Digits beyond the range of a double are the nearest there is, as in NumPy: infinity or 0.
  long double wide = 0;
  if (problem != std::errc::result_out_of_range || read(wide) != std::errc{}) return std::nullopt;
  return static_cast<double>(wide);
}

/// Gives the cells of one file their types.
class Typer {
 public:
  Typer(const std::string& name, const Cells& cells, const CsvOptions& options, std::uint64_t file)
      : name_(name), cells_(cells), options_(options) {
    first_row_ = has_header() ? 1 : 0;
    marks_ = rows_of_file(file, 0, cells.rows() - first_row_);
  }

  /// For some rows of a file, without a header.
  Typer(const CsvRows& rows, const Cells& cells)
      : name_(rows.name),
        cells_(cells),
        options_(rows.options),
        part_of_(&rows),
        marks_(rows_of_file(rows.file, rows.first_row, cells.rows())) {}

  /// A column that must hold numbers.
  std::vector<double> numbers(Index column, const std::string& shown) const {
    std::vector<double> result;
    if (const auto wrong = read_values(column, ColumnType::number, options_.dates, result))
      throw FormatError(complaint(*wrong, column, "a number in \"" + shown + "\""));
    return result;
  }

  Table table() {
    const std::vector<std::string> names = column_names();
    for (const auto& [column, unused] : options_.types) require_column(column, names);
    return table(names);
  }

  Table table(const std::vector<std::string>& names) {
    Table result;
    result.set_made_of({.rows = marks_, .why = ""});
    for (Index column = 0; column < cells_.columns; ++column)
      result.add(typed_column(column, names[static_cast<std::size_t>(column)]));
    return result;
  }

  /// The order of dates that the table was read by, where the options leave it open: open still if no date tells, or
  /// columns differ.
  DateOrder order_of_dates() const {
    if (has_day_first_ == has_month_first_) return options_.dates;
    return has_day_first_ ? DateOrder::day_first : DateOrder::month_first;
  }

 private:
  bool has_header() const {
    if (options_.header != CsvHeader::automatic) return options_.header == CsvHeader::first_line;
    for (Index column = 0; column < cells_.columns; ++column)
      if (!is_missing(cells_.at(0, column)) && !parse_number(cells_.at(0, column), options_.decimal)) return true;
    return false;
  }

  std::vector<std::string> column_names() const {
    std::vector<std::string> names;
    std::unordered_set<std::string> taken;
    std::unordered_map<std::string, int> copies;  // of a name that came before: how many were tried
    for (Index column = 0; column < cells_.columns; ++column) {
      std::string name(first_row_ == 0 ? std::string_view() : cells_.at(0, column));
      if (name.empty()) name = std::to_string(column);
      const std::string base = name;
      while (!taken.insert(name).second) name = base + "." + std::to_string(++copies[base]);
      names.push_back(name);
    }
    return names;
  }

  void require_column(const std::string& wanted, const std::vector<std::string>& names) const {
    std::string known;
    for (const std::string& name : names) {
      if (name == wanted) return;
      known += (known.empty() ? "\"" : ", \"") + name + "\"";
    }
    fail<FormatError>("{}: expected a column \"{}\", got {}", name_, wanted, known);
  }

  bool is_missing(std::string_view cell) const {
    return cell.empty() || std::find(options_.missing.begin(), options_.missing.end(), cell) != options_.missing.end();
  }

  // What a cell means as a number or a time.
  std::optional<double> value_of(std::string_view cell, ColumnType type, DateOrder order) const {
    if (is_missing(cell)) return std::numeric_limits<double>::quiet_NaN();
    return type == ColumnType::number ? parse_number(cell, options_.decimal) : parse_time(cell, order);
  }

  /// Fills `values` and gives nothing, or gives the row of the first cell that does not fit.
  std::optional<Index> read_values(Index column, ColumnType type, DateOrder order, std::vector<double>& values) const {
    values.clear();
    values.reserve(static_cast<std::size_t>(cells_.rows() - first_row_));
    for (Index row = first_row_; row < cells_.rows(); ++row) {
      const std::optional<double> value = value_of(cells_.at(row, column), type, order);
      if (!value) return row;
      values.push_back(*value);
    }
    return std::nullopt;
  }

  // An ambiguous order of dates is settled by the whole column.
  std::optional<Index> read_times(Index column, std::vector<double>& values) {
    const bool automatic = options_.dates == DateOrder::automatic;
    const auto wrong = read_values(column, ColumnType::time, automatic ? DateOrder::day_first : options_.dates, values);
    if (!automatic) return wrong;
    if (!wrong) {
      has_day_first_ = has_day_first_ || differs_month_first(column, values);
      return wrong;
    }
    if (const auto other = read_values(column, ColumnType::time, DateOrder::month_first, values))
      return std::max(*wrong, *other);  // of the order that more of the column is in
    has_month_first_ = true;
    return std::nullopt;
  }

  // Whether some cell of a column, read day first, would be another day or none if it were read month first.
  bool differs_month_first(Index column, const std::vector<double>& values) const {
    const auto begins_with_year = [](std::string_view cell) {
      constexpr std::size_t digits = 4;
      return cell.size() > digits && cell.find_first_not_of("0123456789") == digits;
    };
    for (Index row = first_row_; row < cells_.rows(); ++row) {
      const std::string_view cell = cells_.at(row, column);
      if (begins_with_year(cell) || is_missing(cell)) continue;  // most columns by far: no second look at each cell
      if (parse_time(cell, DateOrder::month_first) != values[static_cast<std::size_t>(row - first_row_)]) return true;
    }
    return false;
  }

  std::string complaint(Index row, Index column, std::string_view expected) const {
    constexpr std::size_t longest = 40;
    std::string got(cells_.at(row, column).substr(0, longest));
    if (cells_.at(row, column).size() > longest) got += "...";
    return name_ + ":" + std::to_string(cells_.lines[static_cast<std::size_t>(row)]) + ":" +
           std::to_string(column + 1) + ": expected " + std::string(expected) + ", got \"" + got + "\"";
  }

  Column typed_column(Index column, const std::string& name) {
    const auto wanted = options_.types.find(name);
    if (wanted != options_.types.end()) return column_as(wanted->second, column, name);
    Column result{.name = name, .type = ColumnType::number};
    const std::optional<Index> no_number = read_values(column, ColumnType::number, options_.dates, result.numbers);
    if (!no_number) return result;
    result.type = ColumnType::time;
    const std::optional<Index> no_time = read_times(column, result.numbers);
    if (no_time) result = text_column(column, name);
    if (no_time && is_meant_as_times(column, *no_number, *no_time))
      result.why_text = complaint(*no_time, column, time_text());
    else if (no_time || part_of_ != nullptr)
      result.why_text = complaint(*no_number, column, "a number");
    return result;
  }

  // A column was meant to hold what it holds for longer; a date in another order than asked for is meant as one.
  bool is_meant_as_times(Index column, Index no_number, Index no_time) const {
    const std::string_view cell = cells_.at(no_time, column);
    return no_time > no_number || parse_time(cell, DateOrder::day_first) || parse_time(cell, DateOrder::month_first);
  }

  std::string_view time_text() const {
    if (options_.dates == DateOrder::automatic || (part_of_ != nullptr && part_of_->tries_dates)) return "a time";
    return options_.dates == DateOrder::day_first ? "a time, day first" : "a time, month first";
  }

  Column column_as(ColumnType type, Index column, const std::string& name) {
    if (type == ColumnType::text) return text_column(column, name);
    Column result{.name = name, .type = type};
    const bool number = type == ColumnType::number;
    const std::optional<Index> wrong =
        number ? read_values(column, type, options_.dates, result.numbers) : read_times(column, result.numbers);
    if (wrong) throw FormatError(complaint(*wrong, column, (number ? "a number in \"" : "a time in \"") + name + "\""));
    return result;
  }

  Column text_column(Index column, const std::string& name) const {
    Column result{.name = name, .type = ColumnType::text};
    for (Index row = first_row_; row < cells_.rows(); ++row) result.texts.emplace_back(cells_.at(row, column));
    if (part_of_ != nullptr && !part_of_->why_texts.empty())
      result.why_text = part_of_->why_texts[static_cast<std::size_t>(column)];
    return result;
  }

  const std::string& name_;
  const Cells& cells_;
  const CsvOptions& options_;
  const CsvRows* part_of_ = nullptr;
  Index first_row_ = 0;
  RowMarks marks_;
  bool has_day_first_ = false, has_month_first_ = false;  // columns that were settled so
};

std::string whole_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  require<FormatError>(file != nullptr, "{}: cannot be read: {}", path, std::strerror(errno));
  std::string text;
  std::array<char, 65536> piece{};
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get()))
    text.append(piece.data(), size);
  require<FormatError>(std::ferror(file.get()) == 0, "{}: cannot be read: {}", path, std::strerror(errno));
  return text;
}

/// Where a byte of text stands: "file:line:column", the column that of its cell, both counted from 1.
std::string place_of(std::size_t byte, std::string_view text, const std::string& name, Index first_line,
                     const CsvOptions& options) {
  Index line = first_line, column = 1;
  bool quoted = false, in_comment = false, begins = true;
  for (std::size_t i = 0; i < byte; ++i) {
    const char c = text[i];
    if (begins) in_comment = !quoted && options.comment != '\0' && c == options.comment;
    begins = c == '\n' || (c == '\r' && !text.substr(i + 1).starts_with('\n'));
    if (begins) {
      ++line;
      if (!quoted) column = 1;
    } else if (!in_comment) {
      if (c == '"') quoted = !quoted;  // within a cell they are doubled
      if (c == options.separator && !quoted) ++column;
    }
  }
  return fmt::format("{}:{}:{}", name, line, column);
}

// `options` have a separator.
void check_text(std::string_view text, const std::string& name, Index first_line, const CsvOptions& options) {
  const std::size_t wrong = std::min(text.find('\0'), first_not_utf8(text));
  if (wrong == std::string_view::npos) return;
  const std::string place = place_of(wrong, text, name, first_line, options);
  require<FormatError>(text[wrong] != '\0', "{}: expected UTF-8 text, got a byte 0 (UTF-16?); convert the file first",
                       place);
  fail<FormatError>("{}: expected UTF-8 text, got a byte of another encoding (Latin-1?); convert the file first",
                    place);
}

}  // namespace

char csv_separator(std::string_view text, const CsvOptions& options) {
  return options.separator != '\0' ? options.separator : find_separator(text, options.comment);
}

std::vector<std::vector<double>> csv_numbers(std::string_view text, const CsvRows& rows) {
  check_text(text, rows.name, rows.first_line, rows.options);
  const Cells cells =
      Splitter(rows.name, rows.options.separator, rows.options.comment, rows.columns, rows.first_line).split(text);
  const Typer typer(rows, cells);
  std::vector<std::vector<double>> result;
  for (std::size_t i = 0; i < rows.wanted.size(); ++i)
    result.push_back(typer.numbers(rows.wanted[i], rows.wanted_names[i]));
  return result;
}

Table csv_table(std::string_view text, const CsvRows& rows) {
  check_text(text, rows.name, rows.first_line, rows.options);
  const Cells cells =
      Splitter(rows.name, rows.options.separator, rows.options.comment, rows.columns, rows.first_line).split(text);
  return Typer(rows, cells).table(rows.wanted_names);
}

void check_no_utf16(std::string_view text, const std::string& name) {
  require<FormatError>(!text.starts_with("\xFF\xFE") && !text.starts_with("\xFE\xFF"),
                       "{}:1:1: expected UTF-8 text, got UTF-16; convert the file first", name);
}

namespace {

/// `file` is the number of the file that the text is from; 0 for none.
Table table_of_text(std::string_view text, const std::string& name, const CsvOptions& options, CsvOptions& used,
                    std::uint64_t file) {
  check_no_utf16(text, name);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  CsvOptions with_separator = options;
  with_separator.separator = csv_separator(text, options);
  check_text(text, name, 1, with_separator);
  const Cells cells = Splitter(name, with_separator.separator, options.comment).split(text);
  require<FormatError>(cells.rows() > 0, "{}: expected rows of cells, got none", name);
  Typer typer(name, cells, options, file);
  Table table = typer.table();
  const DateOrder dates = typer.order_of_dates();
  used = options;
  used.dates = dates;
  return table;
}

}  // namespace

Table parse_csv(std::string_view text, const std::string& name, const CsvOptions& options, CsvOptions& used) {
  return table_of_text(text, name, options, used, 0);
}

Table parse_csv(std::string_view text, const std::string& name, const CsvOptions& options) {
  CsvOptions used;
  return parse_csv(text, name, options, used);
}

Table read_csv(const std::string& path, const CsvOptions& options, CsvOptions& used) {
  const std::uint64_t file = number_of_file(path);
  return table_of_text(whole_file(path), path, options, used, file);
}

Table read_csv(const std::string& path, const CsvOptions& options) {
  CsvOptions used;
  return read_csv(path, options, used);
}

}  // namespace maas::inline MAAS_ABI
