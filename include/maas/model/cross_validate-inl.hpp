// Bodies of cross-validation.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "maas/data/check_folds-inl.hpp"
#include "maas/model/constant_model-inl.hpp"
#include "maas/model/cross_validate.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The options of one fold's fit: its own part of the weights.
inline FitOptions fold_options(const FitOptions& all, const RowList& train, Index rows) {
  require<ConfigError>(all.sample_weights.empty(), "cross_validate: expected sample_weight, got sample_weights");
  FitOptions options = all;
  if (!all.sample_weight) return options;
  require<ShapeError>(all.sample_weight->size() == rows, "cross_validate: expected {} sample weights, got {}", rows,
                      all.sample_weight->size());
  Vector weights(train.size());
  for (Index i = 0; i < train.size(); ++i) weights[i] = (*all.sample_weight)[train.rows[static_cast<std::size_t>(i)]];
  options.sample_weight = std::move(weights);
  return options;
}

}  // namespace detail

MAAS_INLINE std::vector<std::string> FoldScores::names() const {
  std::vector<std::string> names;
  if (!folds_.empty())
    for (const auto& [name, value] : folds_.front()) names.push_back(name);
  return names;
}

MAAS_INLINE std::vector<double> FoldScores::at(std::string_view name) const {
  std::vector<double> values;
  for (const Logs& fold : folds_) {
    const double* value = find_log(fold, name);
    if (value == nullptr) {
      std::string known;
      for (const std::string& each : names()) known += (known.empty() ? "" : ", ") + each;
      fail<ConfigError>("FoldScores: there is no \"{}\" in every fold; there are {}", name, known);
    }
    values.push_back(*value);
  }
  return values;
}

MAAS_INLINE double FoldScores::mean(std::string_view name) const {
  double sum = 0;
  for (double value : at(name)) sum += value;
  return sum / static_cast<double>(folds_.size());
}

MAAS_INLINE double FoldScores::sd(std::string_view name) const {
  if (folds_.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double center = mean(name);
  double sum = 0;
  for (double value : at(name)) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(folds_.size() - 1));
}

MAAS_INLINE std::string FoldScores::text() const {
  std::size_t width = baselines_.empty() ? 6 : 10;
  for (const std::string& name : names()) width = std::max(width, name.size());
  std::string text = fmt::format("{:<{}} {:>12} {:>12}  folds\n", "figure", width, "mean", "sd");
  for (const std::string& name : names()) {
    text += fmt::format("{:<{}} {:>12.6g} {:>12.6g} ", name, width, mean(name), sd(name));
    for (double value : at(name)) text += fmt::format(" {:.6g}", value);
    text += "\n";
    const bool has_baseline = !baselines_.empty() && std::ranges::all_of(baselines_, [&](const Logs& fold) {
      return find_log(fold, name) != nullptr;
    });
    if (!has_baseline) continue;
    const FoldScores constant(baselines_);
    text += fmt::format("{:<{}} {:>12.6g} {:>12.6g} ", "  constant", width, constant.mean(name), constant.sd(name));
    for (double value : constant.at(name)) text += fmt::format(" {:.6g}", value);
    text += "\n";
  }
  return text;
}

MAAS_INLINE FoldScores cross_validate(const std::function<Model()>& make, MatrixArg x, MatrixArg y,
                                      std::span<const Fold> folds, const CrossValidateOptions& options) {
  require<DataError>(x.rows() == y.rows(), "cross_validate: expected as many targets as samples, got {} and {}",
                     y.rows(), x.rows());
  require<ConfigError>(!options.score && !options.baseline,
                       "cross_validate: score and baseline are for tables; matrices are evaluated");
  detail::check_folds(folds, x.rows());
  std::vector<Logs> scores, baselines;
  for (const Fold& fold : folds) {
    Model model = make();
    const Matrix known = fold.train.of(y), test_x = fold.test.of(x), test_y = fold.test.of(y);
    model.fit(fold.train.of(x), known, detail::fold_options(options.fit, fold.train, x.rows()));
    scores.push_back(model.evaluate(test_x, test_y, options.batch_size));
    std::optional<Model> constant = detail::constant_model(model, known);
    baselines.push_back(constant ? constant->evaluate(test_x, test_y, options.batch_size) : Logs());
  }
  return FoldScores(std::move(scores), std::move(baselines));
}

MAAS_INLINE FoldScores cross_validate(const std::function<Model(const Pipeline&)>& make, const Pipeline& pipeline,
                                      const Table& table, std::span<const Fold> folds,
                                      const CrossValidateOptions& options) {
  require<ConfigError>(!options.fit.sample_weight,
                       "cross_validate: sample_weight is for matrices: a pipeline may leave rows out");
  detail::check_folds(folds, table.rows());
  std::vector<Logs> scores, baselines;
  for (const Fold& fold : folds) {
    const Table training = fold.train.of(table);
    Table test = fold.test.of(table);
    test.hold_out();
    Pipeline learned = pipeline;
    const PreparedSamples samples = learned.fit(training).samples(training);
    Model model = make(learned);
    model.info().pipeline = learned;
    model.fit(samples.x, samples.y, detail::fold_options(options.fit, fold.train, table.rows()));
    const auto measured = [&](Model& of) {
      if (options.score) return options.score(of, test);
      const PreparedSamples judged = learned.samples(test);
      return of.evaluate(judged.x, judged.y, options.batch_size);
    };
    scores.push_back(measured(model));
    if (options.baseline) {
      baselines.push_back(options.baseline(training, test));
      continue;
    }
    std::optional<Model> constant = detail::constant_model(model, samples.y);
    baselines.push_back(constant ? measured(*constant) : Logs());
  }
  return FoldScores(std::move(scores), std::move(baselines));
}

}  // namespace maas::inline MAAS_ABI
