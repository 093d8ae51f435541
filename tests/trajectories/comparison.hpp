// Comparing what we computed with what Keras stored, dataset by dataset.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "fixture_file.hpp"
#include "support/catch.hpp"

namespace replay {

/// Collects comparisons of one run. Every one is a check of its own; the worst is kept for the report.
class Comparison {
 public:
  Comparison(const FixtureFile& file, std::string title) : file_(file), title_(std::move(title)) {}

  /// Checks that `mine`, in the order of the dataset, is within its tolerance; whole numbers must be equal.
  template <class Values>
  void check(const std::string& dataset, const Values& mine) {
    const Numbers expected = file_.numbers(dataset);
    INFO(title_ << ": " << dataset);
    REQUIRE(expected.values.size() == static_cast<std::size_t>(mine.size()));
    REQUIRE((expected.integers || expected.tolerance > 0));
    double worst = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      const double difference = std::abs(static_cast<double>(mine.data()[i]) - expected.values[i]);
      const double tolerances = expected.integers          ? (difference == 0 ? 0 : infinity)
                                : difference == difference ? difference / expected.tolerance
                                                           : infinity;
      if (tolerances > worst) worst = tolerances, where = i;
    }
    INFO("element " << where << ": expected " << expected.values.at(where) << ", tolerance " << expected.tolerance
                    << ", got " << static_cast<double>(mine.data()[where]));
    CHECK(worst <= 1);
    ++count_;
    if (worst >= worst_) worst_ = worst, worst_name_ = dataset;
  }
  void check(const std::string& dataset, double mine) { check(dataset, std::vector<double>{mine}); }

  /// How many datasets were compared, and the largest difference as a share of its tolerance.
  int count() const { return count_; }
  double worst() const { return worst_; }
  const std::string& worst_name() const { return worst_name_; }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  const FixtureFile& file_;
  std::string title_, worst_name_;
  int count_ = 0;
  double worst_ = 0;
};

}  // namespace replay
