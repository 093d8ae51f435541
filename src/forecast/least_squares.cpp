// Least squares for the baselines: alone here, as Eigen's decompositions cost every file that reads them a second.
#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <vector>

#include "maas/forecast/baselines.hpp"

namespace maas::inline MAAS_ABI::detail {

Eigen::MatrixXd least_squares(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y) {
  return x.colPivHouseholderQr().solve(y);
}

std::vector<Eigen::MatrixXd> ridge(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y,
                                   const std::vector<double>& alphas) {
  // (x'x + a)^-1 x'y is x'(xx' + a)^-1 y: the smaller of the two products is solved with.
  const bool by_rows = x.rows() < x.cols();
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(by_rows ? x.rows() : x.cols(), by_rows ? x.rows() : x.cols());
  if (by_rows)
    gram.selfadjointView<Eigen::Lower>().rankUpdate(x);
  else
    gram.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  const Eigen::MatrixXd right = by_rows ? y : Eigen::MatrixXd(x.transpose() * y);
  std::vector<Eigen::MatrixXd> result;
  for (double alpha : alphas) {
    Eigen::MatrixXd penalized = gram;
    penalized.diagonal().array() += alpha;
    const Eigen::MatrixXd solved = penalized.selfadjointView<Eigen::Lower>().llt().solve(right);
    result.push_back(by_rows ? Eigen::MatrixXd(x.transpose() * solved) : solved);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI::detail
