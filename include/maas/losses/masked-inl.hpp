// Masked: another loss, in which missing targets weigh nothing: the bodies.
#pragma once

#include "maas/losses/masked.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Masked::check() const {
  require<ConfigError>(!loss.looks_at_neighbours(), "Masked: expected a loss of single rows, got {}",
                       loss.class_name());
}

MAAS_INLINE void Masked::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  out.setZero();
  for_each_run(predicted, target, [&](const Run& run) {
    Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>> own(out.data() + run.row, run.predicted.rows());
    if (run.part == Scalar(1)) {
      loss.values(run.predicted, run.target, VectorView(own.data(), own.size()));
      return;
    }
    Scalar value = 0;
    loss.values(run.predicted, run.target, VectorView(&value, 1));
    own += run.part * value;
  });
}

MAAS_INLINE void Masked::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                  MatrixView out) const {
  out.setZero();
  for_each_run(predicted, target, [&](const Run& run) {
    MatrixView own(out.data() + (run.predicted.data() - predicted.data()), run.predicted.rows(), run.predicted.cols());
    loss.gradient(run.predicted, run.target, own);
    if (run.part != Scalar(1)) own *= run.part;
  });
}

MAAS_INLINE Scalar Masked::share(const ConstMatrixView& target, Index row) const {
  const Index there = present(target, row);
  if (loss.mean_of_outputs()) return static_cast<Scalar>(there) / static_cast<Scalar>(target.cols());
  return there == target.cols() ? loss.share(target, row) : Scalar(0);
}

MAAS_INLINE void Masked::check_targets(const ConstMatrixView& target, Index outputs) const {
  for_each_run(target, target, [&](const Run& run) {
    try {
      loss.check_targets(run.target, loss.mean_of_outputs() ? run.target.cols() : outputs);
    } catch (const DataError& error) {
      fail<DataError>("Masked: from row {}, column {} on: {}", run.row, run.column, error.what());
    }
  });
}

MAAS_INLINE std::optional<Masked> Masked::on_logits() const {
  if (std::optional<Loss> changed = loss.on_logits()) return Masked{*std::move(changed)};
  return std::nullopt;
}

MAAS_INLINE Index Masked::present(const ConstMatrixView& target, Index row) {
  Index count = 0;
  for (Index i = 0; i < target.cols(); ++i) count += std::isnan(target(row, i)) ? 0 : 1;
  return count;
}

}  // namespace maas::inline MAAS_ABI
