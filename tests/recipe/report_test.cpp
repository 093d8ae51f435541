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
  for (const char* part : {"<title>Speeds</title>", "of a road", "<th>rows</th><td>5</td>", "1.25", "7.5", "a note",
                           "5 rows, 1 of them without an answer", "speed, 4 rows", "the last week", "error by hour",
                           "answers against the truth", "88.5 %", "90.0 %", "never changes", "Learning curves"}) {
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

TEST_CASE("alarms are on the page with precision, recall and false ones a day; none of them is no number") {
  const std::string page = report_page({.alarms = AlarmReport{.events = 4,
                                                              .warned = 3,
                                                              .alarms = 8,
                                                              .right = 2,
                                                              .precision = 0.25,
                                                              .recall = 0.75,
                                                              .false_alarms_a_day = 1.5,
                                                              .mean_lead_minutes = std::nan("")}});
  for (const char* part : {"<h2>Alarms</h2>", "<td>8</td><td>2</td><td>precision 0.25</td>",
                           "<td>4</td><td>3</td><td>recall 0.75</td>", "together: 1.5."})
    CHECK(page.find(part) != std::string::npos);
  CHECK(page.find("nan") == std::string::npos);
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
  const std::string page = report_page({.title = bad,
                                        .description = bad,
                                        .facts = {{bad, bad}},
                                        .history = history,
                                        .evaluations = {evaluation},
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
