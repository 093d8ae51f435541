// Streams of CSV files: where rows begin is found once; then blocks of them are read and parsed by themselves.
#include "maas/data/csv_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

#include "data/csv_rows.hpp"
#include "data/file_rows.hpp"
#include "data/learn_in_passes.hpp"
#include "data/table_parts.hpp"

namespace maas::inline MAAS_ABI {

namespace {

/// A file that is read at many places, perhaps by several threads at once.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    require<FormatError>(file_ >= 0, "{}: cannot be read: {}", path, std::strerror(errno));
    struct stat status {};
    const bool regular = ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
    if (!regular) ::close(file_);
    require<FormatError>(regular, "{}: is no regular file, which a stream needs", path);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(file_); }

  /// Up to `size` bytes from `at` on; fewer at the end of the file.
  std::string read(Index at, Index size) const {
    std::string text(static_cast<std::size_t>(size), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t got =
          ::pread(file_, text.data() + done, text.size() - done, static_cast<off_t>(at) + static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      require<FormatError>(got >= 0, "{}: cannot be read: {}", path_, std::strerror(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
  }

 private:
  std::string path_;
  int file_;
};

/// A quote that is left open makes one row of all that follows: no more of it than this is ever in memory.
constexpr Index longest_row = Index{1} << 26;

/// Finds where rows begin, in text that comes piece by piece. Quotes within a cell are doubled, so that each one of
/// them opens or closes.
class RowFinder {
 public:
  /// `separator` is 0 where it is not known yet.
  RowFinder(std::string_view name, char comment, char separator, Index at)
      : name_(name), comment_(comment), separator_(separator), at_(at) {}

  /// Calls `found(at, line)` for each row: where its first line begins, and the number of that line. Throws FormatError
  /// for a row that is longer than `longest_row`.
  template <class Found>
  void feed(std::string_view text, Found&& found) {
    for (const char c : text) {
      if (after_return_ && c == '\n') {  // CRLF is one line end
        after_return_ = false;
        ++at_;
        continue;
      }
      after_return_ = c == '\r';
      step(c, found);
      ++at_;
    }
    if (in_row_) check_length();
  }

 private:
  template <class Found>
  void step(char c, Found& found) {
    if (!line_has_begun_) {
      line_at_ = at_;
      line_has_begun_ = true;
      in_comment_ = !in_quotes_ && comment_ != '\0' && c == comment_;
    }
    if (c == '\n' || c == '\r') {
      ++line_;
      line_has_begun_ = false;
      if (in_row_ && !in_quotes_) {
        check_length();
        in_row_ = false;
      }
      return;
    }
    if (in_comment_) return;
    if (!in_row_ && (c == separator_ || (c != ' ' && c != '\t'))) {
      in_row_ = true;
      row_at_ = line_at_;
      row_line_ = line_;
      found(line_at_, line_);
    }
    if (c == '"') in_quotes_ = !in_quotes_;
  }

  void check_length() const {
    require<FormatError>(at_ - row_at_ <= longest_row,
                         "{}:{}: expected a row of at most {} MiB, got more; is a quote left open?", name_, row_line_,
                         longest_row >> 20);
  }

  std::string_view name_;
  char comment_, separator_;
  Index at_, line_at_ = 0, line_ = 1, row_at_ = 0, row_line_ = 1;
  bool line_has_begun_ = false, in_comment_ = false, in_row_ = false, in_quotes_ = false, after_return_ = false;
};

constexpr Index piece_size = Index{1} << 20;

struct Place {
  Index at, line;
};

/// What is known of a file before its rows are looked for: its columns and where the first row of numbers begins.
struct Head {
  std::vector<std::string> names;
  char separator;
  Place first;
  Index text_begin;
};

// Where the first three rows begin, or fewer.
std::vector<Place> first_places(const OpenFile& file, Index begin, char comment, const std::string& path) {
  std::vector<Place> places;
  RowFinder finder(path, comment, '\0', begin);
  for (Index at = begin; places.size() < 3 && at < begin + 3 * longest_row; at += piece_size) {
    const std::string piece = file.read(at, piece_size);
    finder.feed(piece, [&](Index found, Index line) {
      if (places.size() < 3) places.push_back({found, line});
    });
    if (static_cast<Index>(piece.size()) < piece_size) {
      places.push_back({at + static_cast<Index>(piece.size()), 0});  // the end
      break;
    }
  }
  require<FormatError>(places.size() >= 2, "{}: expected rows of cells, got none", path);
  return places;
}

Head read_head(const OpenFile& file, const std::string& path, const CsvOptions& options) {
  const std::string start = file.read(0, 3);
  check_no_utf16(start, path);
  const Index begin = start == "\xEF\xBB\xBF" ? 3 : 0;
  const std::vector<Place> places = first_places(file, begin, options.comment, path);
  const Index rows = std::min<Index>(2, static_cast<Index>(places.size()) - 1);
  const std::string text = file.read(begin, places[static_cast<std::size_t>(rows)].at - begin);
  CsvOptions plain = options;
  plain.types.clear();
  plain.separator = csv_separator(text, options);
  const Table table = parse_csv(text, path, plain);
  const bool header = table.rows() < rows;
  require<FormatError>(!header || rows == 2, "{}: expected rows of cells below the header, got none", path);
  return {table.names(), plain.separator, places[header ? 1 : 0], begin};
}

Index position_of(const std::string& name, const Head& head, const std::string& path) {
  const auto found = std::find(head.names.begin(), head.names.end(), name);
  std::string known;
  for (const std::string& each : head.names) known += (known.empty() ? "\"" : ", \"") + each + "\"";
  require<FormatError>(found != head.names.end(), "{}: expected a column \"{}\", got {}", path, name, known);
  return found - head.names.begin();
}

/// Where every block-th row begins, and how many rows there are.
struct RowIndex {
  std::vector<Place> blocks;
  Index rows = 0, end = 0;
};

RowIndex index_rows(const OpenFile& file, const std::string& path, const Head& head, char comment, Index block) {
  RowIndex index;
  RowFinder finder(path, comment, head.separator, head.text_begin);
  for (Index at = head.text_begin;; at += piece_size) {
    const std::string piece = file.read(at, piece_size);
    finder.feed(piece, [&](Index found, Index line) {
      if (found < head.first.at) return;
      if (index.rows++ % block == 0) index.blocks.push_back({found, line});
    });
    index.end = at + static_cast<Index>(piece.size());
    if (static_cast<Index>(piece.size()) < piece_size) return index;
  }
}

/// Reads any rows: the blocks that they lie in are parsed as a whole.
struct CsvReader {
  std::shared_ptr<const OpenFile> file;
  RowIndex index;
  CsvRows rows;
  Index block;

  Index rows_in(Index number) const { return std::min(block, index.rows - number * block); }

  void operator()(Index first, MatrixView x, MatrixView y) const {
    for (Index row = first; row < first + x.rows();) {
      const Index number = row / block, skipped = row - number * block;
      const Index count = std::min(rows_in(number) - skipped, first + x.rows() - row);
      copy(read_block(number), skipped, count, row - first, x, y);
      row += count;
    }
  }

  std::vector<std::vector<double>> read_block(Index number) const {
    const auto place = static_cast<std::size_t>(number);
    const Index end = place + 1 < index.blocks.size() ? index.blocks[place + 1].at : index.end;
    CsvRows here = rows;
    here.first_line = index.blocks[place].line;
    std::vector<std::vector<double>> numbers =
        csv_numbers(file->read(index.blocks[place].at, end - index.blocks[place].at), here);
    const auto found = static_cast<Index>(numbers.front().size());
    require<FormatError>(found == rows_in(number),
                         "{}:{}: expected {} rows from here on, got {}; has the file changed?", rows.name,
                         here.first_line, rows_in(number), found);
    return numbers;
  }

  static void copy(const std::vector<std::vector<double>>& numbers, Index skipped, Index count, Index to, MatrixView x,
                   MatrixView y) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto column = static_cast<Index>(i);
      for (Index row = 0; row < count; ++row) {
        const auto value = static_cast<Scalar>(numbers[i][static_cast<std::size_t>(skipped + row)]);
        if (column < x.cols())
          x(to + row, column) = value;
        else
          y(to + row, column - x.cols()) = value;
      }
    }
  }
};

Index rows_a_block(const CsvStreamOptions& options, std::size_t numbers) {
  if (options.stream.block_rows > 0) return options.stream.block_rows;
  return std::max<Index>((Index{1} << 20) / static_cast<Index>(numbers * sizeof(Scalar)), 1);
}

// ---- Tables ----

/// Rows that are parsed together: some 1 MiB of numbers, as many as are read at a time where nobody asks for another
/// number.
Index rows_a_table(const Head& head) {
  constexpr Index most = 1024;
  const auto columns = static_cast<Index>(head.names.size());
  return std::clamp<Index>((Index{1} << 20) / (columns * static_cast<Index>(sizeof(double))), 1, most);
}

/// Any rows as a table.
struct PartReader {
  std::shared_ptr<const OpenFile> file;
  RowIndex index;
  CsvRows rows;
  Index block;

  Table operator()(Index first, Index count) const {
    if (count == 0) return read_blocks(0, 1).part(0, 0);
    const Index begin = first / block, end = (first + count - 1) / block + 1, skipped = first - begin * block;
    return read_blocks(begin, end).part(skipped, skipped + count);
  }

  // Whole blocks.
  Table read_blocks(Index begin, Index end) const {
    const auto place = static_cast<std::size_t>(begin), behind = static_cast<std::size_t>(end);
    const Index stop = behind < index.blocks.size() ? index.blocks[behind].at : index.end;
    CsvRows here = rows;
    here.first_line = index.blocks[place].line;
    here.first_row = begin * block;
    Table table = csv_table(file->read(index.blocks[place].at, stop - index.blocks[place].at), here);
    const Index expected = std::min(end * block, index.rows) - begin * block;
    require<FormatError>(table.rows() == expected,
                         "{}:{}: expected {} rows from here on, got {}; has the file changed?", rows.name,
                         here.first_line, expected, table.rows());
    return table;
  }
};

/// What the cells of a column may be, by those seen so far.
struct Readable {
  bool number = true, day_first = true, month_first = true;
  bool differs = false;       // some cell is another day by the one than by the other
  std::string why_text = {};  // the cell that made a text of it, if it is one, and where

  bool time() const { return day_first || month_first; }
};

bool is_all_missing(const Column& column) {
  return column.type == ColumnType::number &&
         std::all_of(column.numbers.begin(), column.numbers.end(), [](double each) { return std::isnan(each); });
}

void look_at(const Table& part, bool month_first, std::vector<Readable>& readable) {
  for (std::size_t i = 0; i < readable.size(); ++i) {
    const Column& column = part.column(static_cast<Index>(i));
    if (is_all_missing(column)) continue;
    // Of a column that held times so far it is the cell that is none; else the first one that is no number.
    const bool ends_times = column.type == ColumnType::text && !readable[i].number && readable[i].time();
    if (readable[i].why_text.empty() || ends_times) readable[i].why_text = column.why_text;
    const bool time = column.type == ColumnType::time;
    readable[i].number = readable[i].number && column.type == ColumnType::number;
    bool& order = month_first ? readable[i].month_first : readable[i].day_first;
    order = order && time;
  }
}

void compare(const Table& day_first, const Table& month_first, std::vector<Readable>& readable) {
  const auto is_other = [](double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); };
  for (std::size_t i = 0; i < readable.size(); ++i) {
    const Column &one = day_first.column(static_cast<Index>(i)), &other = month_first.column(static_cast<Index>(i));
    if (one.type == ColumnType::time && other.type == ColumnType::time)
      readable[i].differs =
          readable[i].differs ||
          !std::ranges::equal(one.numbers, other.numbers, [&](double a, double b) { return !is_other(a, b); });
  }
}

// What columns hold is settled by all of their cells, as where a file is read whole. Gives the order of dates that was
// found; where none of them tells, that of the options.
DateOrder settle_types(PartReader& reader) {
  const CsvOptions asked = reader.rows.options;
  const bool both = asked.dates == DateOrder::automatic;
  std::vector<Readable> readable(reader.rows.wanted_names.size());
  constexpr Index blocks_a_part = 16;
  const auto count = static_cast<Index>(reader.index.blocks.size());
  reader.rows.options.types.clear();
  reader.rows.tries_dates = both;
  for (Index begin = 0; begin < count; begin += blocks_a_part) {
    const auto read_by = [&](DateOrder order) {
      reader.rows.options.dates = order;
      return reader.read_blocks(begin, std::min(begin + blocks_a_part, count));
    };
    const Table part = read_by(both ? DateOrder::day_first : asked.dates);
    look_at(part, false, readable);
    if (!both) continue;
    const Table other = read_by(DateOrder::month_first);
    look_at(other, true, readable);
    compare(part, other, readable);
  }
  reader.rows.options = asked;
  reader.rows.tries_dates = false;
  bool needs_month_first = false, needs_day_first = false, differs = false;
  for (std::size_t i = 0; i < readable.size(); ++i) {
    const Readable& found = readable[i];
    const bool time = both ? found.time() : found.day_first;
    const ColumnType type = found.number ? ColumnType::number : time ? ColumnType::time : ColumnType::text;
    const auto [entry, is_new] = reader.rows.options.types.emplace(reader.rows.wanted_names[i], type);
    reader.rows.why_texts.push_back(is_new ? found.why_text : std::string());
    if (entry->second != ColumnType::time || found.number) continue;
    needs_month_first = needs_month_first || (found.month_first && !found.day_first);
    needs_day_first = needs_day_first || (found.day_first && !found.month_first);
    differs = differs || found.differs;
  }
  if (!both) return asked.dates;
  require<FormatError>(!needs_month_first || !needs_day_first,
                       "{}: expected dates of one order in all columns, got day and month first; a stream needs to be "
                       "told which columns are texts",
                       reader.rows.name);
  reader.rows.options.dates = needs_month_first ? DateOrder::month_first : DateOrder::day_first;
  return needs_month_first || needs_day_first || differs ? reader.rows.options.dates : DateOrder::automatic;
}

}  // namespace

TableParts csv_parts(const std::string& path, const CsvOptions& options, const ColumnTypes& known) {
  const std::uint64_t number = number_of_file(path);
  const auto file = std::make_shared<const OpenFile>(path);
  const Head head = read_head(*file, path, options);
  const Index block = rows_a_table(head);
  CsvRows rows{.name = path,
               .options = options,
               .columns = static_cast<Index>(head.names.size()),
               .wanted = {},
               .wanted_names = head.names,
               .file = number};
  rows.options.separator = head.separator;
  for (const auto& [name, type] : options.types) position_of(name, head, path);
  if (known)
    for (const std::string& name : head.names)
      if (const auto type = known(name)) rows.options.types.emplace(name, *type);
  PartReader reader{file, index_rows(*file, path, head, options.comment, block), std::move(rows), block};
  require<FormatError>(reader.index.rows > 0, "{}: expected rows of cells, got none", path);
  const DateOrder dates = settle_types(reader);
  const Index count = reader.index.rows;
  return {count, std::move(reader), dates};
}

Streamed stream_csv(const std::string& path, const CsvStreamOptions& options) {
  require<ConfigError>(options.stream.block_rows >= 0, "stream_csv: expected block_rows of at least 0, got {}",
                       options.stream.block_rows);
  const auto file = std::make_shared<const OpenFile>(path);
  const Head head = read_head(*file, path, options.csv);
  std::vector<std::string> features = options.features;
  if (features.empty())
    for (const std::string& name : head.names)
      if (std::ranges::find(options.targets, name) == options.targets.end()) features.push_back(name);
  require<ConfigError>(!features.empty(), "stream_csv: expected a column of features, got none");

  CsvRows rows{
      .name = path, .options = options.csv, .columns = static_cast<Index>(head.names.size()), .wanted_names = features};
  rows.options.separator = head.separator;
  rows.wanted_names.insert(rows.wanted_names.end(), options.targets.begin(), options.targets.end());
  for (const std::string& name : rows.wanted_names) rows.wanted.push_back(position_of(name, head, path));

  const Index block = rows_a_block(options, rows.wanted.size());
  CsvReader reader{file, index_rows(*file, path, head, options.csv.comment, block), std::move(rows), block};
  const Index count = reader.index.rows;
  return Streamed({.read = std::move(reader),
                   .rows = count,
                   .features = Shape{static_cast<Index>(features.size())},
                   .targets = Shape{static_cast<Index>(options.targets.size())},
                   .name = path,
                   .feature_names = features,
                   .target_names = options.targets,
                   .chunk_rows = block},
                  options.stream);
}

Pipeline fit_csv(const std::string& path, const PipelineOptions& options, const CsvRowsOptions& rows) {
  require<ConfigError>(rows.stream.block_rows >= 0, "fit_csv: expected block_rows of at least 0, got {}",
                       rows.stream.block_rows);
  TableParts all = csv_parts(path, rows.csv);
  const RowRange range = range_of(all, rows.stream.rows, path);
  const Index part = rows_a_part(all, rows.stream.block_rows);
  const TableParts wanted{.rows = range.size(), .read = [read = std::move(all.read), range](Index first, Index count) {
                            Table table = read(range.begin + first, count);
                            if (range.held_out) table.hold_out();
                            return table;
                          }};
  return learn_in_passes(options, wanted, part, path + ": Pipeline");
}

Streamed stream_csv(const std::string& path, const Pipeline& fitted, const CsvRowsOptions& rows) {
  require<StateError>(fitted.is_fitted(), "stream_csv: expected a pipeline that has learned; see fit_csv");
  require<ConfigError>(rows.stream.block_rows >= 0, "stream_csv: expected block_rows of at least 0, got {}",
                       rows.stream.block_rows);
  const auto pipeline = std::make_shared<const Pipeline>(fitted);
  const TableParts all = csv_parts(path, rows.csv, [&](std::string_view name) { return pipeline->column_type(name); });
  return samples_in_blocks(pipeline, all, rows_a_part(all, rows.stream.block_rows), rows.stream, path);
}

}  // namespace maas::inline MAAS_ABI
