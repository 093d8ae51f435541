// The cross-entropy of logits and its slope: every kernel beside the formula in double, far out and where nothing is a
// number.
#include <cmath>
#include <limits>
#include <maas/maas.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/kernels.hpp"

using namespace maas;

namespace {

constexpr Scalar no_end = std::numeric_limits<Scalar>::infinity(), no_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr double last_place = std::numeric_limits<Scalar>::epsilon();

double formula(double x, double t) { return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x))); }

struct Logits {
  std::vector<Scalar> x, t;
};

// Of every size down to the smallest numbers, of either sign, with targets 0, 1 and between.
Logits of_every_size() {
  Logits result;
  for (Scalar size = Scalar(1e-44); size < Scalar(200); size += std::max(size / 300, Scalar(1e-44)))
    for (const Scalar sign : {Scalar(1), Scalar(-1)}) {
      result.x.push_back(sign * size);
      result.t.push_back(static_cast<Scalar>(result.t.size() % 4) / Scalar(3));
    }
  return result;
}

}  // namespace

TEST_CASE("every kernel's cross-entropy of logits is the formula's, relative to its parts") {
  const maas_tests::RestoreKernels restore;
  const Logits logits = of_every_size();
  const Index count = static_cast<Index>(logits.x.size());
  std::vector<Scalar> loss(logits.x.size()), slope(logits.x.size());
  for (const auto& [which, name] : maas_tests::kernels_here()) {
    ops::use_kernels(which);
    INFO(name);
    ops::logistic_loss(count, logits.x.data(), logits.t.data(), loss.data());
    ops::logistic_slope(count, logits.x.data(), logits.t.data(), slope.data());
    double worst = 0, steepest = 0;
    for (std::size_t i = 0; i < loss.size(); ++i) {
      const double x = static_cast<double>(logits.x[i]), t = static_cast<double>(logits.t[i]);
      const double parts = std::max(x, 0.0) + std::abs(x * t) + std::log1p(std::exp(-std::abs(x)));
      worst = std::max(worst, std::abs(static_cast<double>(loss[i]) - formula(x, t)) / parts);
      steepest = std::max(steepest, std::abs(static_cast<double>(slope[i]) - (1 / (1 + std::exp(-x)) - t)));
    }
    CHECK(worst <= 4 * last_place);
    CHECK(steepest <= 3 * last_place);
  }
}

TEST_CASE("a confident right answer's cross-entropy keeps its digits in every kernel") {
  const maas_tests::RestoreKernels restore;
  for (const auto& [which, name] : maas_tests::kernels_here()) {
    ops::use_kernels(which);
    INFO(name);
    for (const double x : {3.0, 10.0, 30.0, 60.0}) {
      const Scalar logit = static_cast<Scalar>(-x), target = 0;
      Scalar loss = 0;
      ops::logistic_loss(1, &logit, &target, &loss);
      const double expected = std::log1p(std::exp(-x));
      CHECK(std::abs(static_cast<double>(loss) - expected) <= 6 * last_place * expected);
    }
  }
}

TEST_CASE(
    "cross-entropies of logits that are no numbers are none, in any lane, and far ones stay finite or infinite as they "
    "should") {
  const maas_tests::RestoreKernels restore;
  for (const auto& [which, name] : maas_tests::kernels_here()) {
    ops::use_kernels(which);
    INFO(name);
    for (const std::size_t lane : {0, 20, 36}) {
      INFO(lane);
      std::vector<Scalar> x(37, Scalar(0.5)), t(37, Scalar(0.25)), loss(37), slope(37);
      const auto at_lane = [&](Scalar logit, Scalar target) {
        x[lane] = logit;
        t[lane] = target;
        ops::logistic_loss(37, x.data(), t.data(), loss.data());
        ops::logistic_slope(37, x.data(), t.data(), slope.data());
        for (std::size_t i = 0; i < 37; ++i)
          if (i != lane) REQUIRE(loss[i] == loss[(lane + 1) % 37]);
        return std::pair(loss[lane], slope[lane]);
      };
      CHECK(std::isnan(at_lane(no_number, 1).first));
      CHECK(std::isnan(at_lane(no_number, 1).second));
      CHECK(std::isnan(at_lane(1, no_number).first));
      CHECK(at_lane(no_end, 0).second == 1);
      CHECK(at_lane(-no_end, 1) == std::pair(no_end, Scalar(-1)));
      CHECK(at_lane(Scalar(-1e30), 0).first == 0);
      CHECK(at_lane(Scalar(1e30), 1).first == 0);
    }
  }
}
