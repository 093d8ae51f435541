#include "maas/data/number_range.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;
using maas::tests::gap;

TEST_CASE("a margin is a share of the width that the training rows had, beyond either end") {
  const NumberRange range{.low = 60, .high = 100, .least = 60, .most = 100, .margin = 0.25};
  CHECK(range.reach() == 10);
  CHECK(range.takes(50));
  CHECK(range.takes(110));
  CHECK_FALSE(range.takes(std::nextafter(50.0, 0.0)));
  CHECK_FALSE(range.takes(std::nextafter(110.0, 200.0)));
  CHECK_FALSE(range.takes(INFINITY));
  CHECK(range.takes(gap));
  CHECK(range.text() == "from 50 to 110 (60 to 100 in the training rows, and a margin of 0.25 of that width)");
}

TEST_CASE("the margin there is without a choice: another unit lies beyond it, a new extreme does not") {
  const auto range = [](double low, double high) {
    return NumberRange{.low = low, .high = high, .least = low, .most = high, .margin = default_range_margin};
  };
  const NumberRange mph = range(0, 70), celsius = range(-15, 35), metres = range(0, 40);
  CHECK_FALSE(mph.takes(1.609344 * 65));
  CHECK_FALSE(mph.takes(1.609344 * 55));
  CHECK(mph.takes(75));
  CHECK_FALSE(celsius.takes(273.15 - 15));
  CHECK_FALSE(celsius.takes(32 + 1.8 * 20));
  CHECK(celsius.takes(41));
  CHECK(celsius.takes(-22));
  CHECK_FALSE(metres.takes(3.2808 * 20));
}

TEST_CASE("without a margin nothing beyond the training rows is taken") {
  const NumberRange range{.low = 60, .high = 90, .least = 60, .most = 90};
  CHECK(range.takes(60));
  CHECK(range.takes(90));
  CHECK_FALSE(range.takes(90.001));
  CHECK(range.text() == "from 60 to 90, as in the training rows");
  const NumberRange constant{.low = 5, .high = 5, .least = 5, .most = 5};
  CHECK(constant.takes(5));
  CHECK_FALSE(constant.takes(5 + 1e-7));
}

TEST_CASE("of a constant column its own number alone counts, but for the rounding of a float") {
  for (const double number : {0.1, -70.3, 1e9}) {
    CAPTURE(number);
    const NumberRange range{.low = number, .high = number, .least = number, .most = number, .margin = 0.25};
    CHECK(range.is_constant());
    CHECK(range.takes(static_cast<double>(static_cast<float>(number))));
    CHECK_FALSE(range.takes(number * 1.00001));
    CHECK_FALSE(range.takes(0));
  }
  const NumberRange zero{.margin = 0.25};
  CHECK(zero.takes(0));
  CHECK_FALSE(zero.takes(1e-9));
  CHECK(zero.text() == "0, the only number of the training rows");
}

TEST_CASE("columns that are alike are held against the range of all, and clipped to their own") {
  const NumberRange range{.low = 50, .high = 60, .least = 10, .most = 70, .margin = 0.5};
  CHECK(range.takes(-20));
  CHECK(range.takes(100));
  CHECK_FALSE(range.takes(101));
  CHECK(range.clipped(101) == 60);
  CHECK(range.clipped(55) == 55);
  CHECK(range.clipped(49) == 50);
  CHECK(std::isnan(range.clipped(gap)));
  CHECK(range.text() ==
        "from -20 to 100 (10 to 70 in the training rows of all columns alike, and a margin of 0.5 of that width)");
}

TEST_CASE("ends so far apart that their distance is no number take all that is between infinities") {
  const NumberRange range{.low = -1.5e308, .high = 1.5e308, .least = -1.5e308, .most = 1.5e308, .margin = 0.25};
  CHECK(range.takes(1.7e308));
  const NumberRange strict{.low = -1.5e308, .high = 1.5e308, .least = -1.5e308, .most = 1.5e308};
  CHECK_FALSE(strict.takes(1.7e308));
}
