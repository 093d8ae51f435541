// Least squares for the baselines: alone here, as Eigen's decompositions cost every file that reads them a second.
#include "maas/forecast/least_squares.hpp"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <cmath>
#include <limits>

namespace maas::inline MAAS_ABI::detail {

// ---- Rows of least squares ----

LeastSquaresRows::LeastSquaresRows(Index unknowns, Index right_sides) : unknowns_(unknowns) {
  const Index columns = unknowns + right_sides;
  kept_.resize(5 * columns, columns);  // a triangle, and four times as many rows until the next one
}

void LeastSquaresRows::add(const double* row) {
  if (filled_ == kept_.rows()) reduce();
  kept_.row(filled_++) = Eigen::Map<const Eigen::RowVectorXd>(row, kept_.cols());
  ++rows_;
}

void LeastSquaresRows::reduce() {
  Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> in_place(kept_);
  filled_ = kept_.cols();
  kept_.topRows(filled_).triangularView<Eigen::StrictlyLower>().setZero();
  ++reductions_;
}

Eigen::VectorXd LeastSquaresRows::solve(Index right_side, const LeastSquaresRows* more) const {
  const Index others = more == nullptr ? 0 : more->filled_;
  Eigen::MatrixXd x(filled_ + others, unknowns_);
  Eigen::VectorXd y(x.rows());
  x.topRows(filled_) = kept_.topLeftCorner(filled_, unknowns_);
  y.head(filled_) = kept_.col(unknowns_ + right_side).head(filled_);
  if (others > 0) {
    x.bottomRows(others) = more->kept_.topLeftCorner(others, unknowns_);
    y.tail(others) = more->kept_.col(unknowns_).head(others);
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(x.rows(), x.cols());
  // Each reduction rounds: what is no more than that is taken for nothing.
  const auto roundings = static_cast<double>(1 + reductions_ + (more == nullptr ? 0 : more->reductions_));
  solver.setThreshold(std::numeric_limits<double>::epsilon() * static_cast<double>(unknowns_) * roundings);
  return solver.compute(x).solve(y);
}

// ---- Ridge regression ----

namespace {

constexpr Index rows_at_once = 256;

}  // namespace

ProductSums::ProductSums(Eigen::RowVectorXd x_shift, Eigen::RowVectorXd y_shift)
    : x_shift_(std::move(x_shift)), y_shift_(std::move(y_shift)) {
  const Index features = x_shift_.size(), targets = y_shift_.size();
  x_sum_.setZero(features);
  y_sum_.setZero(targets);
  x_new_.resize(rows_at_once, features);
  y_new_.resize(rows_at_once, targets);
  squares_.setZero(features, features);
  products_.setZero(features, targets);
}

void ProductSums::add(const double* x, const double* y) {
  x_new_.row(new_) = Eigen::Map<const Eigen::RowVectorXd>(x, x_shift_.size()) - x_shift_;
  y_new_.row(new_) = Eigen::Map<const Eigen::RowVectorXd>(y, y_shift_.size()) - y_shift_;
  if (++new_ == rows_at_once) close();
}

void ProductSums::close() {
  if (new_ == 0) return;
  const auto x = x_new_.topRows(new_), y = y_new_.topRows(new_);
  squares_.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  products_.noalias() += x.transpose() * y;
  x_sum_ += x.colwise().sum();
  y_sum_ += y.colwise().sum();
  y_squares_ += y.squaredNorm();
  rows_ += new_;
  new_ = 0;
}

ProductSums& ProductSums::operator+=(const ProductSums& more) {
  squares_ += more.squares_;
  products_ += more.products_;
  x_sum_ += more.x_sum_;
  y_sum_ += more.y_sum_;
  y_squares_ += more.y_squares_;
  rows_ += more.rows_;
  return *this;
}

Eigen::MatrixXd ProductSums::ridge(double alpha) const {
  const auto count = static_cast<double>(rows_);
  const Eigen::RowVectorXd x_mean = x_sum_ / count, y_mean = y_sum_ / count;  // about the shifts
  Eigen::MatrixXd squares = squares_, products = products_;
  squares.selfadjointView<Eigen::Lower>().rankUpdate(x_mean.transpose(), -count);
  products.noalias() -= count * x_mean.transpose() * y_mean;
  // A feature that varies by no more than rounding is a constant, which the free constant stands for already.
  constexpr double of_mean = 1e-20, of_squares = 1e-13;
  Eigen::VectorXd scale = Eigen::VectorXd::Ones(squares.rows());
  for (Index i = 0; i < scale.size(); ++i) {
    const double variance = squares(i, i) / count, mean = x_shift_(i) + x_mean(i);
    if (variance > of_mean * mean * mean && variance > of_squares * squares_(i, i) / count) {
      scale(i) = std::sqrt(variance);
      continue;
    }
    squares.row(i).setZero();
    squares.col(i).setZero();
    products.row(i).setZero();
  }
  const Eigen::VectorXd inverse = scale.cwiseInverse();
  squares = inverse.asDiagonal() * squares * inverse.asDiagonal();
  products = inverse.asDiagonal() * products;
  squares.diagonal().array() += alpha;
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> solver(squares);
  Eigen::MatrixXd weights(scale.size() + 1, products.cols());
  weights.topRows(scale.size()) = inverse.asDiagonal() * solver.solve(products);
  weights.row(scale.size()) = y_shift_ + y_mean - (x_shift_ + x_mean) * weights.topRows(scale.size());
  return weights;
}

double ProductSums::squared_error(const Eigen::MatrixXd& weights) const {
  const auto of_features = weights.topRows(squares_.rows());
  // Of a row x, y about the shifts the error is x w + off - y.
  const Eigen::RowVectorXd off = x_shift_ * of_features + weights.row(squares_.rows()) - y_shift_;
  const Eigen::MatrixXd squares_times = squares_.selfadjointView<Eigen::Lower>() * of_features;
  const double of_answers = of_features.cwiseProduct(squares_times).sum();
  const double crossed = of_features.cwiseProduct(products_).sum();
  const double shifted = off.dot(x_sum_ * of_features - y_sum_);
  return of_answers - 2 * crossed + y_squares_ + 2 * shifted + static_cast<double>(rows_) * off.squaredNorm();
}

}  // namespace maas::inline MAAS_ABI::detail
