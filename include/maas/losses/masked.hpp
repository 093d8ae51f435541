// Masked: another loss, in which missing targets weigh nothing.
#pragma once

#include <cmath>
#include <optional>

#include "maas/losses/loss.hpp"
#include "maas/losses/regression.hpp"

namespace maas::inline MAAS_ABI {

/// Another loss where targets that are NaN are missing: they weigh nothing, and the mean is over the targets that are
/// there. Losses that are the mean of one value an output (squared and absolute errors, binary cross-entropies, ...)
/// leave out single outputs: a row's value is the mean over the others, and it counts as the share that they are of
/// the row, so that all targets of a batch count alike. Losses of whole rows (categorical ones, cosine similarity, ...)
/// leave out every row with a missing target. Losses whose rows look at each other throw ConfigError. Not in Keras.
struct Masked {
  static constexpr std::string_view class_name = "Masked";
  static constexpr bool takes_missing = true;
  Loss loss = mean_squared_error;  ///< its own reduction is not looked at; that of the whole is
  static void fields(auto& self, auto&& field) { field("loss", self.loss); }
  void check() const;

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  Scalar share(const ConstMatrixView& target, Index row) const;
  Index target_columns(Index outputs) const { return loss.target_columns(outputs); }
  void check_targets(const ConstMatrixView& target, Index outputs) const;
  void check_output(const Shape& output) const { loss.check_output(output); }
  std::optional<Masked> on_logits() const;

 private:
  /// Rows, or a part of one row, whose targets are all there.
  struct Run {
    ConstMatrixView predicted, target;
    Index row, column;  ///< of the first
    Scalar part;        ///< how much of the row's value it makes: 1 for whole rows
  };

  static Index present(const ConstMatrixView& target, Index row);

  /// Calls `visit` with whole rows, as many at a time as there are, and with the pieces of broken ones.
  template <class Visit>
  void for_each_run(const ConstMatrixView& predicted, const ConstMatrixView& target, Visit&& visit) const {
    const Index rows = target.rows(), outputs = predicted.cols(), columns = target.cols();
    Index row = 0;
    while (row < rows) {
      Index end = row;
      while (end < rows && present(target, end) == columns) ++end;
      if (end > row)
        visit(Run{ConstMatrixView(predicted.data() + row * outputs, end - row, outputs),
                  ConstMatrixView(target.data() + row * columns, end - row, columns), row, 0, Scalar(1)});
      if (end < rows && loss.mean_of_outputs()) for_each_piece(predicted, target, end, visit);
      row = end + 1;
    }
  }
  template <class Visit>
  static void for_each_piece(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row,
                             Visit&& visit) {
    const Index columns = target.cols(), there = present(target, row);
    Index first = 0;
    while (first < columns) {
      Index end = first;
      while (end < columns && !std::isnan(target(row, end))) ++end;
      const Index place = row * columns + first, count = end - first;
      if (count > 0)
        visit(Run{ConstMatrixView(predicted.data() + place, 1, count), ConstMatrixView(target.data() + place, 1, count),
                  row, first, static_cast<Scalar>(count) / static_cast<Scalar>(there)});
      first = end + 1;
    }
  }
};

/// A loss in which missing targets weigh nothing: `masked(mean_absolute_error)`. See Masked.
inline Masked masked(Loss loss) { return Masked{std::move(loss)}; }

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/masked-inl.hpp"
#endif
