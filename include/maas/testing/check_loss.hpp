// The kit for losses.
#pragma once

#include <string>

#include "maas/activations/activations.hpp"
#include "maas/losses/losses.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_part.hpp"
#include "maas/testing/numbers.hpp"

namespace maas::inline MAAS_ABI::testing {

/// On what a loss is checked. Without matrices of the caller's, predictions and targets are rows of positive numbers
/// that add up to 1 (one output: numbers below 1; targets of one column for several outputs: class numbers). Most
/// losses take them.
struct LossCheck {
  Index outputs = 3;
  Index batch = 5;
  std::optional<Matrix> predicted = std::nullopt;  ///< batch x outputs
  std::optional<Matrix> target = std::nullopt;     ///< batch x target_columns(outputs)
  bool looks_at_neighbours = false;                ///< a row's value may depend on other rows' targets
  std::uint64_t seed = 1;
};

namespace detail {

inline ConstMatrixView view_of(const Matrix& m) { return {m.data(), m.rows(), m.cols()}; }

Matrix random_distributions(Index rows, Index columns, const Random& random);

Matrix random_labels(Index rows, Index classes, const Random& random);

/// A loss with predictions and targets, and its results.
struct LossRun {
  const Loss& loss;
  Matrix predicted, target;

  Vector values(Scalar before = not_a_number) const;
  Matrix gradient(Scalar before = not_a_number) const;
};

void check_loss_writing(Report& report, const LossRun& run, const LossCheck& options);

/// Sum of weight * share * value; weights without numbers are 1.
double weighted_sum(const LossRun& run, const Vector& weights, bool shares);

void check_loss_gradient(Report& report, LossRun& run, const std::string& name);

/// What rows of a batch weigh: their weights, and whether they count. Both may be empty.
struct RowWeights {
  Vector weights, mask;
};

/// What a reduction of these rows divides by, added up here once more.
double expected_divisor(const LossRun& run, const RowWeights& rows);

/// mean is sum of weight * share * value over what the reduction says, and mean_gradient its derivative.
void check_mean(Report& report, LossRun& run, const std::string& how, const RowWeights& weights);

void check_means(Report& report, const LossRun& run, const Random& random);

/// True if the loss on logits equals the loss after this activation, value and gradient.
bool agrees_after(const Activation& activation, const LossRun& on_logits, const Loss& loss);

void check_logits(Report& report, const LossRun& run, const Random& random);

}  // namespace detail

/// Checks what every loss owes: one finite value and gradient a row, of that row alone (unless it says that it looks at
/// neighbours), written over what was there; gradients that agree with central differences; reductions that weight rows
/// and their shares, leave out rows by a mask and divide as they should, with the gradients of what they give; the same
/// on logits as after the activation, if it has that form; a config that is read back the same, if it is one of the
/// library's own; no memory taken (if the program counts, see allocations.hpp). Throws Failure with a line for
/// everything that is wrong.
void check_loss(const Loss& loss, const LossCheck& options = {});

/// The same for a struct, whose config is checked as well: how to check a loss of one's own.
template <LossRule Rule>
void check_loss(const Rule& rule, const LossCheck& options = {}) {
  check_part(rule);
  check_loss(Loss(rule), options);
}

}  // namespace maas::inline MAAS_ABI::testing

#if !defined(MAAS_COMPILED)
#include "maas/testing/check_loss-inl.hpp"
#endif
