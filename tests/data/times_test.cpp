#include "maas/data/times.hpp"

#include <cmath>

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("times are read in the usual spellings") {
  const double midnight = 1451865600;  // 2016-01-04 00:00
  CHECK(parse_time("2016-01-04") == midnight);
  CHECK(parse_time("2016-01-04 00:05") == midnight + 300);
  CHECK(parse_time("2016-01-04T00:05:30") == midnight + 330);
  CHECK(parse_time("2016-1-4 0:05:30Z") == midnight + 330);
  CHECK(*parse_time("2016-01-04 00:00:00.25") == Approx(midnight + 0.25));
  CHECK(parse_time("04/01/2016 23:55") == midnight + 86100);
  CHECK(parse_time("4.1.2016 0:00") == midnight);
  CHECK(parse_time("01/04/2016", DateOrder::month_first) == midnight);
  CHECK(parse_time("1970-01-01") == 0);
  CHECK(parse_time("01/04/2016 1:15:00 AM", DateOrder::month_first) == midnight + 4500);
  CHECK(parse_time("2016-01-04 12:00 am") == midnight);
  CHECK(parse_time("2016-01-04 12:30PM") == midnight + 45000);
  CHECK(parse_time("2016-01-04 11:59 pm") == midnight + 86340);
  CHECK(parse_time("1969-12-31 23:59") == -60);
  CHECK(parse_time("2016-02-29").has_value());
}

TEST_CASE("what is no time is not read") {
  for (const char* text : {"",
                           "x",
                           "12",
                           "2016",
                           "2016-01",
                           "2016-01-04 ",
                           "2016-01-04 5",
                           "2016-01-04 24:00",
                           "2016-01-04 00:60",
                           "2016-01-04 00:00:61",
                           "2016-01-04x",
                           "2016-01-04 00:05 x",
                           "2016-13-01",
                           "2016-00-10",
                           "2015-02-29",
                           "31/04/2016",
                           "04/01/16",
                           "04/01-2016",
                           "1.5",
                           "10.5.3",
                           "12:00:00 AM",
                           "2016-01-04 -1:00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
  CHECK_FALSE(parse_time("31/01/2016", DateOrder::month_first).has_value());
}

TEST_CASE("times are written so that they are read back") {
  CHECK(format_time(1451865900) == "2016-01-04 00:05");
  CHECK(format_time(1451865930) == "2016-01-04 00:05:30");
  CHECK(format_time(-60) == "1969-12-31 23:59");
  CHECK(format_time(NAN).empty());
  for (double time : {0.0, 951782400.0, 4102444799.0, -62167219200.0, 253402300799.0})
    CHECK(parse_time(format_time(time)) == time);
}

TEST_CASE("a time without a date that can be read is written as seconds") {
  CHECK(format_time(1.7e18) == "1.7e+18 s");  // nanoseconds, taken for seconds
  CHECK(format_time(253402300800) == "253402300800 s");
  CHECK(format_time(-62167219201) == "-62167219201 s");
}

TEST_CASE("a time lies in its day and its week") {
  const double monday = 1451865600;  // 2016-01-04 00:00
  CHECK(seconds_of_day(monday) == 0);
  CHECK(seconds_of_day(monday + 3 * seconds_a_day + 21600.5) == 21600.5);
  CHECK(seconds_of_week(monday + 3 * seconds_a_day + 21600.5) == 3 * seconds_a_day + 21600.5);
  CHECK(seconds_of_week(monday - 1) == seconds_a_week - 1);  // Sunday, 23:59:59
  CHECK(seconds_of_week(0) == 3 * seconds_a_day);            // 1970 began on a Thursday
  CHECK(seconds_of_day(-60) == seconds_a_day - 60);
  CHECK(seconds_of_day(-1e-20) == 0);  // the rest of the day rounds to all of it
  for (double time : {1e300, -1e300}) {
    CHECK(seconds_of_day(time) >= 0);
    CHECK(seconds_of_day(time) < seconds_a_day);
  }
  for (double time : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    CHECK(std::isnan(seconds_of_day(time)));
    CHECK(std::isnan(seconds_of_week(time)));
  }
}

TEST_CASE("time features go round the day and the week") {
  // Monday midnight, Monday 6:00, Thursday 12:00 (the middle of the week), a missing time, and a time before 1970.
  const double monday = 1451865600;
  const std::vector<double> times{monday, monday + 21600, monday + 3.5 * 86400, NAN, monday - 10000 * 7 * 86400.0};
  const Matrix features = time_features(times);
  REQUIRE(features.rows() == 5);
  REQUIRE(features.cols() == time_feature_count);
  const double week = 6.283185307179586 * 0.25 / 7;
  const double expected[5][4] = {
      {0, 1, 0, 1}, {1, 0, std::sin(week), std::cos(week)}, {0, -1, 0, -1}, {NAN, NAN, NAN, NAN}, {0, 1, 0, 1}};
  for (Index row = 0; row < 5; ++row)
    for (Index column = 0; column < 4; ++column) {
      CAPTURE(row, column);
      if (row == 3)
        CHECK(std::isnan(features(row, column)));
      else
        CHECK(features(row, column) == Approx(expected[row][column]).margin(1e-6));
    }
  CHECK(time_features({}).rows() == 0);
}
