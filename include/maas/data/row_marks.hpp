// RowMarks: which rows these are, and which of them are held out, wherever they are taken to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// What goes along with rows wherever they are taken to: the table they were first in, by a number that no other table
/// of this process has, their places in it, and which of them are held out for validation or test. A Table carries one,
/// and so do its columns and readings of it. A value that never changes: what is told of rows later is another one. It
/// lives in memory only: no file has it. Readers of files give all who read the same file the same number (see
/// read_csv). Rows on end cost nothing, others a number each. Functions that are asked for rows count them from 0 and
/// take them to be there.
class RowMarks {
 public:
  /// Rows of one table, in the order in which they are here.
  struct Source {
    std::uint64_t table = 0;         ///< its number, from 1 on
    Index begin = 0;                 ///< the place of the first of them
    std::vector<Index> places = {};  ///< of each, where they are not on end; else empty

    /// The place of a row, counted from 0 among those here.
    Index place(Index row) const { return places.empty() ? begin + row : places[static_cast<std::size_t>(row)]; }
    friend bool operator==(const Source&, const Source&) = default;
  };

  /// Of rows that nothing is known of.
  RowMarks() = default;
  /// Of a new table of so many rows, in order. May be called from any thread.
  static RowMarks of_new(Index rows);
  /// The same where it is not known yet how many there are: see sized.
  static RowMarks of_new() { return of_new(any_count); }
  /// Of rows on end of a table whose number was drawn before: those from the place `begin` on.
  static RowMarks of_table(std::uint64_t table, Index begin, Index rows);

  /// Whether anything is known of them.
  bool is_known() const { return state_ != nullptr; }
  /// How many rows; 0 where nothing is known.
  Index rows() const { return is_known() ? state_->rows : 0; }
  /// The same of so many rows: those of new ones where it was left open, or where these are others.
  RowMarks sized(Index rows) const;
  /// Which rows they are: of one table, or of each whose columns were put beside each other.
  std::span<const Source> sources() const;

  /// Whether one of them is held out, all are, or that one, counted from 0, is.
  bool any_held_out() const { return is_known() && (state_->all_held_out || !state_->held_out.empty()); }
  bool all_held_out() const { return is_known() && state_->all_held_out; }
  bool is_held_out(Index row) const;
  /// Those that are, in order.
  std::vector<Index> held_out_rows() const;

  /// These rows, in this order.
  RowMarks select(std::span<const Index> rows) const;
  /// Those from `begin` up to, not including, `end`.
  RowMarks part(Index begin, Index end) const;
  /// What is known of the same rows by both; of other ones than as many as these, nothing is taken.
  RowMarks with(const RowMarks& other) const;
  /// Holds out these rows, counted from 0, too.
  RowMarks with_held_out(std::span<const Index> rows) const;
  /// Holds out all.
  RowMarks with_all_held_out() const;

  /// Whether it is one and the same value.
  bool same_as(const RowMarks& other) const { return state_ == other.state_; }

 private:
  static constexpr Index any_count = -1;
  struct State {
    Index rows = 0;
    std::vector<Source> sources = {};
    bool all_held_out = false;
    std::vector<bool> held_out = {};  // where some are, but not all: which; else empty
  };
  explicit RowMarks(State state);

  std::shared_ptr<const State> state_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/row_marks-inl.hpp"
#endif
