// The kit for losses: the bodies.
#pragma once

#include "maas/testing/check_loss.hpp"

namespace maas::inline MAAS_ABI::testing {

namespace detail {

MAAS_INLINE Matrix random_distributions(Index rows, Index columns, const Random& random) {
  if (columns == 1) return random_matrix(rows, 1, 0.1, 0.9, random);
  Matrix m = random_matrix(rows, columns, -1, 1, random);
  ops::softmax(view_of(m), MatrixView(m.data(), rows, columns));
  return m;
}

MAAS_INLINE Matrix random_labels(Index rows, Index classes, const Random& random) {
  Matrix m(rows, 1);
  for (Index row = 0; row < rows; ++row)
    m(row, 0) = static_cast<Scalar>(random.below(static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(classes)));
  return m;
}

MAAS_INLINE Vector LossRun::values(Scalar before) const {
  Vector out = Vector::Constant(predicted.rows(), before);
  loss.values(view_of(predicted), view_of(target), VectorView(out.data(), out.size()));
  return out;
}

MAAS_INLINE Matrix LossRun::gradient(Scalar before) const {
  Matrix out = Matrix::Constant(predicted.rows(), predicted.cols(), before);
  loss.gradient(view_of(predicted), view_of(target), MatrixView(out.data(), out.rows(), out.cols()));
  return out;
}

MAAS_INLINE void check_loss_writing(Report& report, const LossRun& run, const LossCheck& options) {
  const Vector values = run.values();
  const Matrix gradient = run.gradient();
  report.expect(values.array().isFinite().all(), "values: not every row has a finite value");
  report.expect(gradient.array().isFinite().all(), "gradient: not every element is finite");
  report.expect(values == run.values(Scalar(7)), "values: reads the memory it is to overwrite");
  report.expect(gradient == run.gradient(Scalar(7)), "gradient: reads the memory it is to overwrite");
  if (options.looks_at_neighbours || run.loss.looks_at_neighbours()) return;
  for (Index row = 0; row < values.size(); ++row) {
    const LossRun single{run.loss, run.predicted.row(row), run.target.row(row)};
    report.expect(
        nearly_equal(single.values(), values.segment(row, 1)) && nearly_equal(single.gradient(), gradient.row(row)),
        "the value or gradient of row {} depends on the rows beside it", row);
  }
}

MAAS_INLINE double weighted_sum(const LossRun& run, const Vector& weights, bool shares) {
  const Vector values = run.values();
  double sum = 0;
  for (Index i = 0; i < values.size(); ++i)
    sum += (weights.size() > 0 ? static_cast<double>(weights[i]) : 1.0) * static_cast<double>(values[i]) *
           (shares ? static_cast<double>(run.loss.share(view_of(run.target), i)) : 1.0);
  return sum;
}

MAAS_INLINE void check_loss_gradient(Report& report, LossRun& run, const std::string& name) {
  const Matrix gradient = run.gradient();
  auto value = [&] { return weighted_sum(run, Vector(), run.loss.looks_at_neighbours()); };
  compare_gradient(report, name, value, VectorView(run.predicted.data(), run.predicted.size()),
                   ConstVectorView(gradient.data(), gradient.size()));
}

MAAS_INLINE double expected_divisor(const LossRun& run, const RowWeights& rows) {
  const Vector& weights = rows.weights;
  if (run.loss.reduction() == Reduction::sum)
    return run.loss.one_value() && weights.size() > 0 ? 1 / static_cast<double>(weights.size()) : 1;
  const bool weighted = run.loss.reduction() == Reduction::mean_with_sample_weight && weights.size() > 0;
  double sum = 0;
  for (Index i = 0; i < run.target.rows(); ++i)
    sum += static_cast<double>(run.loss.share(view_of(run.target), i)) * (weighted ? static_cast<double>(weights[i])
                                                                          : rows.mask.size() > 0
                                                                              ? static_cast<double>(rows.mask[i])
                                                                              : 1.0);
  return sum;
}

MAAS_INLINE void check_mean(Report& report, LossRun& run, const std::string& how, const RowWeights& weights) {
  const Index rows = run.predicted.rows();
  const ConstVectorView w(weights.weights.data(), weights.weights.size());
  const ConstVectorView mask(weights.mask.data(), weights.mask.size());
  Vector scratch(rows);
  auto mean = [&] {
    return run.loss.mean(view_of(run.predicted), view_of(run.target), w, VectorView(scratch.data(), rows), mask);
  };
  const double by = expected_divisor(run, weights);
  const double expected = by != 0 ? weighted_sum(run, weights.weights, true) / by : 0.0;
  report.expect(std::abs(mean() - expected) <= 1e-5 * (1 + std::abs(expected)), "mean {}: expected {}, got {}", how,
                expected, mean());
  Matrix out = Matrix::Constant(rows, run.predicted.cols(), not_a_number);
  run.loss.mean_gradient(view_of(run.predicted), view_of(run.target), w, MatrixView(out.data(), rows, out.cols()),
                         mask);
  compare_gradient(report, "mean_gradient " + how, mean, VectorView(run.predicted.data(), run.predicted.size()),
                   ConstVectorView(out.data(), out.size()));
}

MAAS_INLINE void check_means(Report& report, const LossRun& run, const Random& random) {
  Vector weights(run.predicted.rows());
  for (Index i = 0; i < weights.size(); ++i) weights[i] = static_cast<Scalar>(2 * random.uniform(std::uint64_t(i)));
  Vector mask = Vector::Ones(weights.size());
  for (Index i = 0; i < mask.size(); i += 2) mask[i] = 0;
  for (Reduction reduction : {Reduction::sum_over_batch_size, Reduction::sum, Reduction::mean_with_sample_weight}) {
    const Loss reduced = run.loss.reduced(reduction);
    LossRun again{reduced, run.predicted, run.target};
    check_mean(report, again, std::string(to_text(reduction)) + " without weights", {});
    check_mean(report, again, std::string(to_text(reduction)) + " with weights", {.weights = weights, .mask = {}});
    if (run.loss.whole_samples()) continue;
    check_mean(report, again, std::string(to_text(reduction)) + " with a mask", {.weights = mask, .mask = mask});
    check_mean(report, again, std::string(to_text(reduction)) + " with weights and a mask",
               {.weights = weights.cwiseProduct(mask), .mask = mask});
  }
}

MAAS_INLINE bool agrees_after(const Activation& activation, const LossRun& on_logits, const Loss& loss) {
  LossRun after{loss, on_logits.predicted, on_logits.target};
  MatrixView p(after.predicted.data(), after.predicted.rows(), after.predicted.cols());
  activation.forward(view_of(on_logits.predicted), p);
  Matrix chained = after.gradient();
  activation.backward(view_of(on_logits.predicted), as_const(p),
                      MatrixView(chained.data(), chained.rows(), chained.cols()));
  const Scalar tolerance = std::sqrt(std::numeric_limits<Scalar>::epsilon());
  return (after.values() - on_logits.values()).cwiseAbs().maxCoeff() <= tolerance &&
         (chained - on_logits.gradient()).cwiseAbs().maxCoeff() <= tolerance;
}

MAAS_INLINE void check_logits(Report& report, const LossRun& run, const Random& random) {
  const std::optional<Loss> logits = run.loss.on_logits();
  if (!logits) return;
  LossRun other{*logits, random_matrix(run.predicted.rows(), run.predicted.cols(), -2, 2, random), run.target};
  check_loss_gradient(report, other, "gradient on logits");
  report.expect(agrees_after(sigmoid, other, run.loss) || agrees_after(softmax, other, run.loss),
                "on logits it equals neither the loss after sigmoid nor that after softmax");
  report.expect(!logits->on_logits(), "the loss on logits has another form on logits");
}

}  // namespace detail

MAAS_INLINE void check_loss(const Loss& loss, const LossCheck& options) {
  Report report(std::string(loss.class_name()));
  report.run("check", [&] {
    const Random random(options.seed);
    const bool labels = loss.target_columns(options.outputs) == 1 && options.outputs > 1;
    Matrix target = labels ? detail::random_labels(options.batch, options.outputs, random.stream(1))
                           : detail::random_distributions(options.batch, options.outputs, random.stream(1));
    detail::LossRun run{loss, detail::random_distributions(options.batch, options.outputs, random.stream(2)),
                        std::move(target)};
    if (options.predicted) run.predicted = *options.predicted;
    if (options.target) run.target = *options.target;
    loss.check_targets(detail::view_of(run.target), run.predicted.cols());
    detail::check_loss_writing(report, run, options);
    detail::check_loss_gradient(report, run, "gradient");
    detail::check_means(report, run, random.stream(3));
    detail::check_logits(report, run, random.stream(4));
    if (counts_allocations()) {
      Vector values(run.predicted.rows());
      Matrix gradient(run.predicted.rows(), run.predicted.cols());
      const std::int64_t start = allocations();
      loss.values(detail::view_of(run.predicted), detail::view_of(run.target),
                  VectorView(values.data(), values.size()));
      loss.gradient(detail::view_of(run.predicted), detail::view_of(run.target),
                    MatrixView(gradient.data(), gradient.rows(), gradient.cols()));
      const std::int64_t taken = allocations() - start;
      report.expect(taken == 0, "takes memory {} times for a value and a gradient; expected none", taken);
    }
  });
  report.finish();
  for (const auto& entry : BuiltinLosses::entries())
    if (entry.class_name == loss.class_name())
      for (Reduction reduction : {Reduction::sum_over_batch_size, Reduction::sum, Reduction::mean_with_sample_weight})
        check_family_config(loss.reduced(reduction), loss.class_name() == "MeanSquaredError"
                                                         ? Loss(mean_absolute_error)
                                                         : Loss(mean_squared_error));
}

}  // namespace maas::inline MAAS_ABI::testing
