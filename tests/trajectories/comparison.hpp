// Comparing what we computed with what Keras stored, dataset by dataset.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>

#include "fixture_file.hpp"
#include "support/catch.hpp"

namespace replay {

/// Collects comparisons of one run. Every one is a check of its own; the worst is kept for the report.
///
/// A run in float may be given the same run of Keras in double as well. A result then is right if it is within the
/// tolerance of either: in some runs Keras' own two results are farther apart than the tolerance of the one in float,
/// so that the order of sums, which differs from processor to processor, decides which of them a run is near to.
class Comparison {
 public:
  Comparison(const FixtureFile& file, std::string title, const FixtureFile* in_double = nullptr)
      : file_(file), in_double_(in_double), title_(std::move(title)) {}

  /// Checks that `mine`, in the order of the dataset, is within its tolerance; whole numbers must be equal.
  template <class Values>
  void check(const std::string& dataset, const Values& mine) {
    Numbers expected = file_.numbers(dataset);
    INFO(title_ << ": " << dataset);
    REQUIRE(expected.values.size() == static_cast<std::size_t>(mine.size()));
    REQUIRE((expected.integers || expected.tolerance >= 0));
    Largest largest = largest_share(expected, mine.data());
    INFO("element " << largest.where << ": expected " << expected.values.at(largest.where) << ", tolerance "
                    << expected.tolerance << ", got " << static_cast<double>(mine.data()[largest.where]));
    if (largest.share > 1 && in_double_ != nullptr && in_double_->has(dataset)) {
      expected.values = in_double_->numbers(dataset).values;
      largest = largest_share(expected, mine.data());
      ++nearer_to_double_;
    }
    CHECK(largest.share <= 1);
    ++count_;
    if (largest.share >= worst_) worst_ = largest.share, worst_name_ = dataset;
  }
  void check(const std::string& dataset, double mine) { check(dataset, std::vector<double>{mine}); }

  /// Checks that `mine` are the numbers of the dataset, to the last bit.
  template <class Values>
  void check_equal(const std::string& dataset, const Values& mine) {
    Numbers expected = file_.numbers(dataset);
    expected.tolerance = 0;
    INFO(title_ << ": " << dataset);
    REQUIRE(expected.values.size() == static_cast<std::size_t>(mine.size()));
    CHECK(largest_share(expected, mine.data()).share == 0);
    ++count_;
  }

  /// One line for the report.
  std::string report() const {
    std::string text = fmt::format("{}: {} arrays, largest difference {:.2g} of its tolerance ({})", title_, count_,
                                   worst_, worst_name_);
    if (nearer_to_double_ > 0) text += fmt::format("; {} are those of Keras in double", nearer_to_double_);
    return text;
  }

 private:
  /// The largest difference as a share of the tolerance, and its place.
  struct Largest {
    double share = 0;
    std::size_t where = 0;
  };
  template <class Value>
  static Largest largest_share(const Numbers& expected, const Value* mine) {
    Largest largest;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      const double difference = std::abs(static_cast<double>(mine[i]) - expected.values[i]);
      double share = 0;
      if (difference != 0)
        share = expected.integers || std::isnan(difference) ? infinity : difference / expected.tolerance;
      if (share > largest.share) largest = {share, i};
    }
    return largest;
  }
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  const FixtureFile& file_;
  const FixtureFile* in_double_;
  std::string title_, worst_name_;
  int count_ = 0, nearer_to_double_ = 0;
  double worst_ = 0;
};

}  // namespace replay
