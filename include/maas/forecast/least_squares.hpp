// Least squares of rows that come one after the other, for the baselines: what is kept of them does not grow with them.
#pragma once

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

// Bodies in src/forecast/least_squares.cpp.

/// Rows of unknowns' coefficients and right sides. Of many only the triangle of their QR decomposition is kept, which
/// has the same least-squares solutions. What it gives depends on the rows and their order alone.
class LeastSquaresRows {
 public:
  LeastSquaresRows(Index unknowns, Index right_sides);

  /// Takes a row, the coefficients first. All numbers must be finite.
  void add(const double* row);
  /// How many rows there were.
  Index rows() const { return rows_; }

  /// The solution for a right side, and for that of `more` (of one right side), if it is given: of the solutions of
  /// rows without full rank, one that has zeros.
  Eigen::VectorXd solve(Index right_side, const LeastSquaresRows* more = nullptr) const;

 private:
  void reduce();

  Index unknowns_, rows_ = 0, filled_ = 0, reductions_ = 0;
  Eigen::MatrixXd kept_;
};

/// Sums of products of features x and targets y about some shift near their means, for ridge regression.
class ProductSums {
 public:
  ProductSums(Eigen::RowVectorXd x_shift, Eigen::RowVectorXd y_shift);

  /// Takes a row of features and targets. All numbers must be finite.
  void add(const double* x, const double* y);
  /// Adds up what was taken last; add() does so after every so many rows. To be called before anything is asked for.
  void close();
  /// Rows that come behind these; both are closed.
  ProductSums& operator+=(const ProductSums& more);
  Index rows() const { return rows_; }

  /// Weights of ridge regression of standardized features with a free constant, the penalty being alpha |weights|^2:
  /// those of raw numbers, features x targets, the constant last.
  Eigen::MatrixXd ridge(double alpha) const;
  /// The sum of squared errors that these weights make on these rows.
  double squared_error(const Eigen::MatrixXd& weights) const;

 private:
  Eigen::RowVectorXd x_shift_, y_shift_, x_sum_, y_sum_;
  Eigen::MatrixXd x_new_, y_new_;  // rows that are not added up yet
  Eigen::MatrixXd squares_;        // x'x, the lower half
  Eigen::MatrixXd products_;       // x'y
  double y_squares_ = 0;
  Index rows_ = 0, new_ = 0;
};

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
