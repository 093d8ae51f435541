#include "maas/training/report.hpp"

#include <filesystem>
#include <fstream>
#include <limits>

#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace maas;

namespace {

using tests::content;

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Whether every element that is opened is closed, in order: what a reader of XML would ask for.
bool is_well_formed(std::string text) {
  for (const std::string alone :
       {"<!DOCTYPE html>\n", "<meta charset=\"utf-8\">", "<meta name=\"viewport\" content=\"width=device-width\">"}) {
    const std::size_t at = text.find(alone);
    if (at == std::string::npos) return false;
    text.erase(at, alone.size());
  }
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.back() == '/') continue;
    if (tag.front() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
      continue;
    }
    if (open.empty() || open.back() != tag.substr(1)) return false;
    open.pop_back();
  }
  return open.empty();
}

}  // namespace

TEST_CASE("a report draws each figure with its validation, and marks the best epoch") {
  History history;
  history.add(0, {{"loss", 3}, {"accuracy", 0.5}, {"val_loss", 4}, {"val_accuracy", 0.4}});
  history.add(1, {{"loss", 2}, {"accuracy", 0.6}, {"val_loss", 1.5}, {"val_accuracy", 0.8}});
  history.add(2, {{"loss", 1}, {"accuracy", 0.9}, {"val_loss", 2.5}, {"val_accuracy", 0.7}});
  const std::string page = html_report(history, "Flow");
  CHECK(is_well_formed(page));
  CHECK(has(page, "<title>Flow</title>"));
  CHECK(count(page, "<svg ") == 2);
  CHECK(count(page, ">best: ") == 2);
  CHECK(has(page, ">best: 1.5 in epoch 2<"));
  CHECK(has(page, ">best: 0.8 in epoch 2<"));
  CHECK(count(page, ">epoch<") == 2);
  CHECK(count(page, ">validation<") == 2);
  CHECK(has(page, "<tr><th>accuracy</th><td>0.9</td><td>0.9</td><td>3</td></tr>"));
  CHECK(has(page, "<tr><th>val_loss</th><td>2.5</td><td>1.5</td><td>2</td></tr>"));
  for (const std::string part : {"<script", "http:", "https:", "src=", "href=", "@import", "url("})
    CHECK(!has(page, part));
}

TEST_CASE("names cannot break out of a report") {
  History history;
  history.add(0, {{"<script>alert(\"1\")</script>&'", 1}});
  const std::string page = html_report(history, "</title><b>");
  CHECK(!has(page, "<script"));
  CHECK(!has(page, "<b>"));
  CHECK(has(page, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"));
  CHECK(is_well_formed(page));
}

TEST_CASE("a report bears with no epochs, one, constant figures, gaps and numbers that are none") {
  History history;
  CHECK(is_well_formed(html_report(history)));
  history.add(4, {{"loss", 0}});
  CHECK(is_well_formed(html_report(history)));
  history.add(5, {{"loss", 0}, {"val_loss", 1e30}});
  history.add(6, {{"loss", std::nan("")}});
  history.add(7, {{"loss", std::numeric_limits<double>::infinity()}, {"val_loss", -1e30}});
  const std::string page = html_report(history);
  CHECK(is_well_formed(page));
  CHECK(has(page, ">best: -1e+30 in epoch 8<"));
  CHECK(!has(page, "nan "));
  CHECK(!has(page, "inf "));
  History none;
  none.add(0, {{"loss", std::nan("")}});
  CHECK(is_well_formed(html_report(none)));
  CHECK(!has(html_report(none), "best: "));
}

TEST_CASE("a fit writes its report after every epoch") {
  auto model = Sequential{input(1), dense(1)};
  model.compile({.loss = mean_squared_error});
  const Matrix x = Matrix::Ones(4, 1);
  std::vector<std::string> pages;
  struct Reads {
    std::vector<std::string>& pages;
    void epoch_end(TrainingView&) { pages.push_back(content("curves.html")); }
  };
  const History history =
      model.fit(x, x, {.epochs = 3, .verbose = 0, .callbacks = {HtmlReport{.path = "curves.html"}, Reads{pages}}});
  REQUIRE(pages.size() == 3);
  CHECK(has(pages[0], "<p>1 epochs</p>"));
  CHECK(pages[2] == html_report(history));
  std::filesystem::remove("curves.html");
  model.fit(x, x, {.verbose = 0, .callbacks = {HtmlReport{.path = "reports/of/today/curves.html"}}});
  CHECK(std::filesystem::exists("reports/of/today/curves.html"));  // with the folders
  CHECK_THROWS_AS(
      model.fit(x, x, {.verbose = 0, .callbacks = {HtmlReport{.path = "reports/of/today/curves.html/curves.html"}}}),
      FormatError);
  std::filesystem::remove_all("reports");
}

TEST_CASE("the end of a figure's name says what is better; in a fit its metric does") {
  for (const std::string name : {"accuracy", "acc", "val_acc", "road_binary_accuracy", "auc_1", "val_recall_2[0]",
                                 "weighted_precision", "fbeta_score[1]", "f1_score", "mean_io_u", "r2_score",
                                 "val_cosine_similarity", "pearson_correlation", "specificity_at_sensitivity"}) {
    INFO(name);
    CHECK(detail::larger_by_name(name));
  }
  for (const std::string name : {"loss", "val_accident_loss", "mae", "aucuba_mae", "vacc", "recall_loss", "", "_1",
                                 "[0]", "learning_rate", "logcosh"}) {
    INFO(name);
    CHECK(!detail::larger_by_name(name));
  }
  for (const auto& entry : BuiltinMetrics::entries()) {
    const Metric metric = entry.make({});
    INFO(metric.name());
    CHECK(detail::larger_by_name(metric.name()) == (metric.larger_is_better() == true));
  }
  auto model = Sequential{input(1), dense(1, sigmoid)};
  model.compile(
      {.optimizer = Sgd{.learning_rate = 1.0}, .loss = binary_crossentropy, .metrics = {Metric(AUC{}).named("hits")}});
  History history;
  history.add(0, {{"hits", 0.5}});
  history.add(1, {{"hits", 0.75}});
  CHECK(has(html_report(history), ">best: 0.5 in epoch 1<"));
  struct Tells {
    void epoch_end(TrainingView& view) const { view.logs = {{"hits", view.epoch == 0 ? 0.5 : 0.75}}; }
  };
  const Matrix x = Matrix::Ones(4, 1);
  model.fit(x, x, {.epochs = 2, .verbose = 0, .callbacks = {Tells{}, HtmlReport{.path = "hits.html"}}});
  CHECK(has(content("hits.html"), ">best: 0.75 in epoch 2<"));
  std::filesystem::remove("hits.html");
}
