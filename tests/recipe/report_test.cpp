#include "maas/recipe/report.hpp"

#include <filesystem>

#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t place = text.find(part); place != text.npos; place = text.find(part, place + 1)) ++found;
  return found;
}

TargetEvaluation speeds() {
  return {.target = "speed",
          .answers = {{"model", {{"mae", 1.25}, {"r2", std::nan("")}}}, {"mean", {{"mae", 7.5}, {"r2", 0}}}},
          .rows = {0, 1, 2, 3},
          .truth = {10, 20, 30, 40},
          .predicted = {11, 19, 31, 42}};
}

/// Sensors "s0", "s1", ... five minutes apart, forecast `errors[sensor]` too high at horizon 1, twice that at
/// horizon 3.
Forecasts with_errors(const std::vector<double>& errors, Index windows = 20) {
  Forecasts forecasts{.model = "network", .horizons = {1, 3}, .seconds_a_reading = 300};
  const auto sensors = static_cast<Index>(errors.size());
  forecasts.truth = Matrix::Constant(windows, 2 * sensors, 50);
  forecasts.values = forecasts.truth;
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    forecasts.sensors.push_back(fmt::format("s{}", sensor));
    for (Index step = 0; step < 2; ++step)
      forecasts.values.col(step * sensors + sensor).array() +=
          static_cast<Scalar>((step + 1.0) * errors[static_cast<std::size_t>(sensor)]);
  }
  for (Index window = 0; window < windows; ++window) {
    forecasts.origins.push_back(window);
    forecasts.times.push_back(1704412800.0 + 300.0 * static_cast<double>(window));
  }
  return forecasts;
}

/// The names of the sensors that a page draws, in order, with "*" behind the open one.
std::vector<std::string> drawn_in(const std::string& page) {
  std::vector<std::string> names;
  for (std::size_t place = page.find("<details"); place != page.npos; place = page.find("<details", place + 1)) {
    const std::size_t begin = page.find("<summary>", place) + 9;
    names.push_back(page.substr(begin, page.find(':', begin) - begin) +
                    (page.compare(place, 14, "<details open>") == 0 ? "*" : ""));
  }
  return names;
}

}  // namespace

TEST_CASE("a page shows what it is given, draws it, and needs nothing from elsewhere") {
  History history;
  history.add(0, {{"loss", 2.0}, {"val_loss", 3.0}});
  history.add(1, {{"loss", 1.0}, {"val_loss", 2.5}});
  Evaluation test{.name = "test", .rows = 5, .unanswered = 1, .targets = {speeds()}};
  test.times = {0, 3600, 7200, 90000, 93600};
  const std::string page = report_page({.title = "Speeds",
                                        .description = "of a road",
                                        .facts = {{"rows", "5"}},
                                        .history = history,
                                        .evaluations = {test},
                                        .coverage = {{"adaptive", 0.9, 0.885, 12.5}},
                                        .data = DataReport{.findings = {"\"x\": never changes"}},
                                        .notes = {"a note"}});
  for (const char* part :
       {"<title>Speeds</title>", "of a road", "<th>rows</th><td>5</td>", "1.25", "7.5", "a note",
        "5 rows, 1 of them without an answer", "speed, 4 rows", "the last week", "error by hour",
        "answers against the truth", "<td>90 %</td><td>88.50 %</td>", "never changes", "Learning curves"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(count(page, "<svg") == 5);  // scatter, along time, by hour, coverage, loss
  CHECK(count(page, "<svg") == count(page, "</svg>"));
  CHECK(count(page, "h0") >= 4);                 // a point a pair
  CHECK(count(page, "class=\"bar\"") == 3 + 1);  // hours 0, 1 (of two days) and 2; one of coverage
  CHECK(page.find("nan") == std::string::npos);
  for (const char* part : {"<script", "http://", "https://", "src=", "@import", "url("}) {
    INFO(part);
    CHECK(page.find(part) == std::string::npos);
  }
  CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
}

TEST_CASE("of many sensors the first is drawn, and those with the smallest, the middle and the largest error") {
  using Names = std::vector<std::string>;
  const std::string many = report_page({.forecasts = with_errors({4, 9, 2, 1, 7, 3, 8})});
  CHECK(drawn_in(many) == Names{"s0*", "s3", "s1"});  // the first is the one in the middle
  for (const char* part :
       {"<p>3 of 7 sensors are drawn.</p>", "s0: mean absolute error 8 at 15 minutes, in the middle of all</summary>",
        "s3: mean absolute error 2 at 15 minutes, the smallest of all</summary>",
        "s1: mean absolute error 18 at 15 minutes, the largest of all</summary>", "all sensors, 5 minutes"}) {
    INFO(part);
    CHECK(many.find(part) != std::string::npos);
  }
  CHECK(count(many, "<svg") == 2 + 3 * 4);  // by hour; of each sensor along time and as a cloud, at two horizons
  CHECK(many.find("s2, ") == std::string::npos);
  CHECK(drawn_in(report_page({.forecasts = with_errors({9, 4, 2, 1, 7})})) == Names{"s0*", "s3", "s1"});
  CHECK(drawn_in(report_page({.forecasts = with_errors({3, 4, 2, 1, 7})})) == Names{"s0*", "s3", "s4"});

  const std::string few = report_page({.scores = ScoreTable("mph", 300), .forecasts = with_errors({4, 9, 1})});
  CHECK(drawn_in(few) == Names{"s0*", "s1", "s2"});
  CHECK(few.find("s0: mean absolute error 8 mph at 15 minutes</summary>") != std::string::npos);
  CHECK(few.find("are drawn") == std::string::npos);
  CHECK(drawn_in(report_page({.forecasts = with_errors({4})})) == Names{"s0*"});

  // Readings that stand for missing ones count for no error: without them s1 is the best.
  Forecasts holes = with_errors({2, 1, 3, 4, 5});
  holes.truth(0, 6) = 0;
  CHECK(drawn_in(report_page({.forecasts = holes})) == Names{"s0*", "s2", "s4"});
  CHECK(drawn_in(report_page({.forecasts = holes, .null_value = 0})) == Names{"s0*", "s1", "s2", "s4"});
  // Nor is a sensor without a forecast the best or the worst.
  holes.values.col(1).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  holes.values.col(6).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  CHECK(drawn_in(report_page({.forecasts = holes})) == Names{"s0*", "s3", "s4"});
}

TEST_CASE("the table of forecasts has five scores, and of means how far apart they lie") {
  ScoreTable table("mph", 300);
  table.add(
      {.model = "network", .horizon = 3, .scores = {.mae = 1.5, .rmse = 2.25, .mape = 3, .smape = 4.5, .r2 = 0.5}});
  const auto page = [&] { return report_page({.scores = table}); };
  CHECK(page().find("<th>MAE</th><th>RMSE</th><th>MAPE, %</th><th>sMAPE, %</th><th>R2</th></tr>\n"
                    "<tr><th>network</th><td>15 minutes</td><td>1.5</td><td>2.25</td><td>3</td><td>4.5</td>"
                    "<td>0.5</td></tr>") != std::string::npos);
  CHECK(page().find("brackets") == std::string::npos);
  table.add_mean("mean", {with_errors({4}), with_errors({6})}, {}, {1});
  // Of readings of 50 errors of 4 and 6 are 8 and 12 percent; by the mean of both 7.692 and 11.32. None varies: no R2.
  CHECK(
      page().find("<tr><th>mean</th><td>5 minutes</td><td>5 (2)</td><td>5 (2)</td><td>10 (4)</td><td>9.507 (3.628)</td>"
                  "<td>– (–)</td></tr>") != std::string::npos);
  CHECK(page().find("in brackets the largest less the smallest") != std::string::npos);
}

TEST_CASE("of an ensemble the learning curves of every network are on the page, the first one's open") {
  const auto losses = [](double last) {
    History history;
    history.add(0, {{"loss", 2.0}});
    history.add(1, {{"loss", last}});
    return history;
  };
  const std::string page = report_page({.ensemble = {losses(1.25), losses(0.75), losses(0.5)}});
  CHECK(count(page, "<h2>Learning curves</h2>") == 1);
  CHECK(count(page, "<svg") == 3);
  std::size_t place = 0;
  for (const char* part : {"<details open>\n<summary>Network 1 of 3</summary>", "<td>1.25</td>",
                           "<details>\n<summary>Network 2 of 3</summary>", "<td>0.75</td>",
                           "<details>\n<summary>Network 3 of 3</summary>", "<td>0.5</td>"}) {
    INFO(part);
    place = page.find(part, place);
    REQUIRE(place != page.npos);
  }
}

TEST_CASE("intervals are drawn as a band, broken where there is none") {
  Forecasts forecasts = with_errors({4, 9}, 5);
  Intervals intervals{(forecasts.values.array() - Scalar(10)).matrix(),
                      (forecasts.values.array() + Scalar(10)).matrix()};
  const auto band_of = [&] {
    const std::string page = report_page({.forecasts = forecasts, .intervals = intervals});
    CHECK(count(page, "class=\"band\"") == 2 * 4);  // two sensors, two horizons; each in its legend, too
    const std::size_t place = page.find("<path class=\"band\"");
    return page.substr(place, page.find("/>", place) - place);
  };
  std::string band = band_of();
  CHECK(count(band, "M") == 1);
  CHECK(count(band, "L") == 9);  // five ends above, five below
  CHECK(band.ends_with("Z\""));
  intervals.lower(2, 0) = std::numeric_limits<Scalar>::quiet_NaN();
  band = band_of();
  CHECK(count(band, "M") == 2);
  CHECK(count(band, "L") == 6);
  forecasts.times.clear();  // along the readings
  band = band_of();
  CHECK(count(band, "M") == 2);
  CHECK(report_page({.forecasts = forecasts}).find("class=\"band\"") == std::string::npos);
  intervals.upper.resize(5, 3);
  CHECK_THROWS_WITH(report_page({.forecasts = forecasts, .intervals = intervals}),
                    "report: expected intervals of 5 x 4 forecasts, got 5 x 3");
}

TEST_CASE("alarms are on the page with precision, recall and false ones a day; none of them is no number") {
  const std::string page = report_page({.alarms = AlarmReport{.events = 4,
                                                              .warned = 3,
                                                              .alarms = 8,
                                                              .right = 2,
                                                              .precision = 0.25,
                                                              .recall = 0.75,
                                                              .false_alarms_a_day = 1.5,
                                                              .mean_lead_minutes = std::nan("")}});
  for (const char* part :
       {"<h2>Alarms</h2>",
        "<tr><th></th><th>alarms</th><th>right</th><th>precision</th><th>events</th><th>warned of</th><th>recall</th>"
        "<th>minutes ahead</th><th>false a day</th></tr>",
        "<tr><th>model</th><td>8</td><td>2</td><td>0.25</td><td>4</td><td>3</td><td>0.75</td><td>–</td><td>1.5</td>"})
    CHECK(page.find(part) != std::string::npos);
  CHECK(page.find("nan") == std::string::npos);
  CHECK(page.find("<th>persistence</th>") == std::string::npos);
  const std::string beside = report_page({.alarms = AlarmReport{}, .naive_alarms = AlarmReport{.alarms = 3}});
  CHECK(beside.find("<tr><th>persistence</th><td>3</td><td>0</td>") != std::string::npos);
}

TEST_CASE("times of less than two days are drawn with their hours, longer ones with their days") {
  Evaluation test{.name = "test", .rows = 4, .targets = {speeds()}};
  test.times = {1704412800, 1704420000, 1704434400, 1704445200};  // 2024-01-05, 00:00 to 09:00
  std::string page = report_page({.evaluations = {test}});
  for (const char* part : {">01-05 00:00</text>", ">01-05 03:00</text>", ">01-05 09:00</text>"})
    CHECK(page.find(part) != std::string::npos);
  CHECK(page.find("e+09") == std::string::npos);
  test.times.back() += 3 * seconds_a_day;
  page = report_page({.evaluations = {test}});
  CHECK(page.find(">01-06</text>") != std::string::npos);
  CHECK(page.find("01-05 03:00") == std::string::npos);
}

TEST_CASE("classes have their confusion on the page") {
  TargetEvaluation kinds{.target = "kind", .is_class = true};
  kinds.answers = {{"model", {{"accuracy", 0.75}}}};
  kinds.rows = {0, 1, 2, 3};
  kinds.truth = {0, 0, 1, 1};
  kinds.predicted = {0, 0, 0, 1};
  kinds.classes = {"car", "bus"};
  kinds.confusion = {{2, 0}, {1, 1}};
  const std::string page = report_page({.evaluations = {Evaluation{.name = "test", .rows = 4, .targets = {kinds}}}});
  CHECK(page.find("<th>car</th><td style=\"background:rgb(var(--blue) / 0.60)\">2</td>") != std::string::npos);
  CHECK(page.find("<th>bus</th><td style=\"background:rgb(var(--orange) / 0.30)\">1</td>") != std::string::npos);
  CHECK(count(page, "<svg") == 0);
}

TEST_CASE("names may hold anything") {
  const std::string bad = "<script>alert('x') & \"y\"</script>\x01";
  TargetEvaluation odd = speeds();
  odd.target = odd.answers[0].name = odd.answers[0].scores[0].first = bad;
  TargetEvaluation kinds{.target = bad, .is_class = true, .answers = {{bad, {{bad, 1}}}}, .rows = {0}};
  kinds.truth = kinds.predicted = {0};
  kinds.classes = {bad};
  kinds.confusion = {{1}};
  History history;
  history.add(0, {{bad, 1.0}});
  Evaluation evaluation{.name = bad, .rows = 1, .targets = {odd, kinds}, .times = {0, 1, 2, 3}};
  Forecasts forecasts = with_errors({1, 2});
  forecasts.sensors = {bad, bad};
  const std::string page = report_page({.title = bad,
                                        .description = bad,
                                        .facts = {{bad, bad}},
                                        .history = history,
                                        .evaluations = {evaluation},
                                        .scores = ScoreTable(bad, 300),
                                        .forecasts = forecasts,
                                        .coverage = {{bad, 0.9, 0.9, 1}},
                                        .data = DataReport{.findings = {bad}},
                                        .notes = {bad}});
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("alert('x')") == std::string::npos);
  CHECK(page.find('\x01') == std::string::npos);
}

TEST_CASE("pages of nothing, of one point and of odd numbers are drawn, too") {
  CHECK(report_page({}).find("<h1>Report</h1>") != std::string::npos);
  TargetEvaluation odd = speeds();
  const double infinity = std::numeric_limits<double>::infinity();
  odd.truth = {infinity, 1e308, -1e308, 0};
  odd.predicted = {0, std::nan(""), infinity, -infinity};
  Evaluation evaluation{.name = "odd", .rows = 4, .targets = {odd}, .times = {std::nan(""), 1e300, -1e300, infinity}};
  CHECK_NOTHROW(report_page({.evaluations = {evaluation}}));
  TargetEvaluation one = speeds();
  one.rows = {0}, one.truth = {3}, one.predicted = {3};
  evaluation.targets = {one};
  CHECK_NOTHROW(report_page({.evaluations = {evaluation}}));
}

TEST_CASE("a page appears whole or not at all") {
  write_report("page.html", {.title = "Whole"});
  CHECK(text_of("page.html").ends_with("</html>\n"));
  CHECK_THROWS_AS(write_report("no/such/folder/page.html", {}), FormatError);
}
