// Cross-validation: a fresh model for each fold, fitted on its training rows and judged by its test rows.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "maas/data/folds.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// What was measured on the test rows of each fold, beside what needs no model.
class FoldScores {
 public:
  explicit FoldScores(std::vector<Logs> folds, std::vector<Logs> baselines = {})
      : folds_(std::move(folds)), baselines_(std::move(baselines)) {}

  /// The figures of each fold, by name.
  const std::vector<Logs>& folds() const { return folds_; }
  /// The same figures of the constant answer that each fold's training rows give, or none: see cross_validate.
  const std::vector<Logs>& baselines() const { return baselines_; }
  /// The names of the first fold's figures.
  std::vector<std::string> names() const;
  /// One figure, a number a fold. Throws ConfigError that lists the names there are.
  std::vector<double> at(std::string_view name) const;
  /// The mean over folds.
  double mean(std::string_view name) const;
  /// The standard deviation over folds, by n - 1; NaN for one fold.
  double sd(std::string_view name) const;
  /// A table to print: a line a figure, with mean, deviation and the number of each fold, and below it "constant",
  /// those of the baseline where it has that figure.
  std::string text() const;

 private:
  std::vector<Logs> folds_, baselines_;
};

/// How a cross-validation fits and measures.
struct CrossValidateOptions {
  FitOptions fit = {.verbose = 0};  ///< sample_weight is of all rows; each fold takes its own
  Index batch_size = 32;            ///< of the evaluation
  /// For tables: measures a model by the raw test rows, for example in the units of the targets by `predict(test)`.
  /// Else what evaluate gives on the prepared samples.
  std::function<Logs(Model& model, const Table& test)> score = nullptr;
  /// For tables: measures what needs no model by the same figures, in the place of the constant answer.
  std::function<Logs(const Table& training, const Table& test)> baseline = nullptr;
};

/// For each fold builds a model, fits it on the training rows and evaluates it on the test rows, one fold after the
/// other. Beside it stand the loss and metrics of one constant answer, which the training targets give: the mean of
/// each column, which for classes is their frequencies; where the target is one column of class numbers and the model
/// gives a number a class, the frequencies of those (the logarithm of them for losses from logits). Missing targets do
/// not count; targets of another form have no such answer. `make` builds and compiles a model; its weights and the seed
/// of the fit are the same for all folds unless it draws others. Throws DataError for a fold without rows, with rows
/// that are not there or that stand in both parts, and what fit and evaluate throw.
FoldScores cross_validate(const std::function<Model()>& make, MatrixArg x, MatrixArg y, std::span<const Fold> folds,
                          const CrossValidateOptions& options = {});

/// The same for raw rows: a copy of the pipeline learns from the training rows of each fold alone, and is given to
/// `make`, which may look at how many features it gives, and to the model's info. Throws StateError for a pipeline that
/// has learned before: it might know the test rows. Steps that look at earlier rows (Lag, Difference) want folds of
/// successive rows, such as those of rolling_origin; the first rows of a test then have no past. `score` is called
/// twice a fold, for the model and for one of the same pipeline whose network gives the constant answer whatever it is
/// given; with `baseline` once.
FoldScores cross_validate(const std::function<Model(const Pipeline& fitted)>& make, const Pipeline& pipeline,
                          const Table& table, std::span<const Fold> folds, const CrossValidateOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/model/cross_validate-inl.hpp"
#endif
