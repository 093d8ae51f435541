// The lines of docs/guide/forecasting.md about cross-validation, on waves that a network learns and persistence does
// not.
#include <cmath>
#include <iostream>

#include "maas/maas.hpp"

using namespace maas;

int main() {
  Readings train{.values = Matrix(2000, 1), .sensors = {"a"}};
  for (Index row = 0; row < train.rows(); ++row) {
    train.values(row, 0) = static_cast<Scalar>(50 + 10 * std::sin(0.3 * static_cast<double>(row)));
    train.times.push_back(300.0 * static_cast<double>(row));
  }
#include "forecast_folds.inc"
  const bool is_better = row.mean.mae < scores.at("persistence", 6).mean.mae && row.sd.mae > 0;
  return scores.folds().size() == 4 && is_better ? 0 : 1;
}
