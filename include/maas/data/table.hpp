// Table: named columns, between a file and a matrix.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/data/held_out.hpp"
#include "maas/data/learned_rows.hpp"
#include "maas/data/row_marks.hpp"

namespace maas::inline MAAS_ABI {

struct RowRange;
struct RowList;

/// What the cells of a column are.
enum class ColumnType { number, time, text };

namespace detail {
/// Their names, in order.
inline constexpr std::string_view column_type_names[] = {"number", "time", "text"};

/// What is known of what is made of a table: of which rows, and why it is held out, if it is.
struct MadeOf {
  RowMarks rows;
  std::string why;
};
}  // namespace detail

/// One column. Numbers and times are doubles in either precision of the library; a missing one is NaN.
struct Column {
  std::string name;
  ColumnType type = ColumnType::number;
  std::vector<double> numbers = {};     ///< numbers, or times in seconds (see times.hpp); empty for text
  std::vector<std::string> texts = {};  ///< the cells of a text column; empty for others
  std::string why_text = {};  ///< of a text column read from a file: the first cell that fits nothing else, and where
  HeldOut<Column> held_out = false;  ///< of a table that is held out: so is one that it is added to
  RowMarks marks = {};               ///< of a table: its rows, which one that it is added to knows, too

  Index rows() const { return static_cast<Index>(type == ColumnType::text ? texts.size() : numbers.size()); }
};

/// Columns of equal length, found by name or position. A name that is not there throws a DataError that lists those
/// there are, and so does a column of another type than asked for. A table knows which rows it has, whatever parts,
/// copies and steps made of it, so that nothing is judged by rows that it has learned from: see hold_out.
class Table {
 public:
  Index rows() const { return columns_.empty() ? 0 : columns_.front().rows(); }
  Index columns() const { return static_cast<Index>(columns_.size()); }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;

  const Column& column(std::string_view name) const;
  /// By position, counted from 0.
  const Column& column(Index position) const;

  /// The cells of a column of numbers; NaN where missing.
  const std::vector<double>& numbers(std::string_view name) const;
  /// The cells of a column of times, in seconds; NaN where missing.
  const std::vector<double>& times(std::string_view name) const;
  /// The cells of a text column.
  const std::vector<std::string>& texts(std::string_view name) const;

  /// Adds a column at the right; one of a table that is held out holds out this one, too. The first one brings the rows
  /// that it is of; without any, or where cells were put in or taken out by hand, they are new. Of a column of other
  /// rows these are remembered beside the table's own. Throws DataError if its length is not that of the others, or its
  /// name is taken.
  void add(Column column);

  /// The cells of a column of numbers or times, to be changed in place. Throws DataError for a text column.
  std::span<double> edit(std::string_view name);
  /// The cells of a text column, to be changed in place.
  std::span<std::string> edit_texts(std::string_view name);
  /// Removes a column.
  void remove(std::string_view name);
  /// Puts columns in the place of one. Throws DataError as add does; then nothing has changed.
  void replace(std::string_view name, std::vector<Column> columns);

  /// These rows, counted from 0, in this order. Throws DataError for a row that is not there.
  Table select(std::span<const Index> rows) const;
  /// The rows from `begin` up to, not including, `end`. Throws DataError for rows that are not there.
  Table part(Index begin, Index end) const;

  /// Columns of numbers side by side, rows x columns. Missing cells are NaN.
  Matrix matrix(std::span<const std::string> names) const;
  Matrix matrix(std::initializer_list<std::string> names) const {
    return matrix(std::span<const std::string>(names.begin(), names.size()));
  }
  /// All columns; each must hold numbers.
  Matrix matrix() const { return matrix(names()); }

  /// Marks the rows as kept for validation or test: no step, pipeline or forecaster learns from them, nor from what
  /// select and part give of them, nor from a table that one of their columns is added to. Splits do it; for a file of
  /// its own that holds test rows, call it. It cannot be undone, but by taking cells out as plain numbers or texts.
  /// What has learned from any of the rows before, wherever it met them, refuses to be applied to them from then on.
  /// `why` stands behind "rows that are" in errors.
  void hold_out(std::string why = held_out_for_judging);
  /// Marks some of the rows. The table is held out then, and so is each part of it that holds one of them, whichever
  /// way it is cut out; parts without one can be learned from. What steps make of the table, and the columns it gives,
  /// are held out as a whole: they may know those rows. Throws DataError for a row that is not there.
  void hold_out(const RowRange& rows, std::string why = held_out_for_judging);
  void hold_out(const RowList& rows, std::string why = held_out_for_judging);
  /// Whether any row is.
  bool is_held_out() const { return made_of_held_out_ || marks_.any_held_out(); }
  /// The rows that are, counted from 0, in order.
  std::vector<Index> held_out_rows() const;
  /// "held out for validation or test", or what hold_out was given; empty where no row is.
  const std::string& why_held_out() const { return why_held_out_; }

  /// Which rows these are, and which of them were held out by themselves.
  const RowMarks& marks() const { return marks_; }
  /// Says what it was made of: see detail::made_of. Steps do it.
  void set_made_of(const detail::MadeOf& source);

 private:
  const Column* find(std::string_view name) const;
  std::size_t position_of(std::string_view name) const;
  const Column& column_of(std::string_view name, ColumnType type) const;
  void check_addable(const Column& column, Index rows) const;
  void hold_out_rows(std::span<const Index> rows, std::string why);
  void hold_out_made(std::string why);
  void begin_with(const Column& column);
  void mark_columns();

  static constexpr const char* held_out_for_judging = "held out for validation or test";

  std::vector<Column> columns_;
  RowMarks marks_;
  bool made_of_held_out_ = false;  // all are held out, as they may know rows that are
  std::string why_held_out_;
};

/// The columns of a matrix as columns of numbers, called by name, or by their position from 0 where none are given.
/// Throws DataError for another number of names, or one that comes twice.
Table table_of(MatrixArg matrix, const std::vector<std::string>& names = {});

namespace detail {
/// How many rows there are, and which of them are held out and why: "40 rows, of which 8 are held out for validation or
/// test, the first of them row 32 (counted from 0)".
std::string held_out_text(const Table& table);
/// Throws DataError for a table with a row that is held out.
void require_training(std::string_view who, const Table& table);
/// Throws DataError for a table with a row that is held out and among those learned from.
void require_unlearned(std::string_view who, const Table& table, const LearnedRows& learned);
/// What is made of a table is held out, all of it where any row of the table is: a step may look at other rows than the
/// one it makes.
MadeOf made_of(const Table& source);
}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/table-inl.hpp"
#endif
