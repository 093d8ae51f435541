// Every case of the table of metrics that Keras computed.
#include <cmath>
#include <vector>

#include "maas/metrics/metrics.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/table.hpp"
#include "support/views.hpp"

using namespace maas;

namespace {

using tests::is_double;

/// How near a result must be to one that Keras computed in double or in float.
bool near(double result, double keras, bool in_double) {
  return std::abs(result - keras) <= (in_double ? 1e-12 + 1e-10 * std::abs(keras) : 1e-6 + 2e-5 * std::abs(keras));
}

using tests::view;

/// Keras' name for a second metric of a class ends in a number that depends on what else the program has made.
std::string without_number(const std::string& name) {
  const std::size_t end = name.find_last_not_of("0123456789");
  return end + 1 < name.size() && name[end] == '_' ? name.substr(0, end) : name;
}

struct Case {
  const tests::Table& table;
  std::string name, group, data;

  Case(const tests::Table& all, const std::string& which)
      : table(all), name(which), group("metric/" + which), data("data/" + all.text("metric/" + which, "data")) {}

  Metric metric(const char* fields) const {
    Metric result = accuracy;
    from_config(Config{}.set("class_name", table.text(group, "class")).set("config", table.json(group, fields)), name,
                result);
    return result;
  }
  bool has(const std::string& dataset) const { return table.contains(group, dataset); }

  void check(const Metric& metric, const std::string& dataset, bool weighted) const {
    const bool in_double = dataset.starts_with("result32") ? false : is_double;
    const std::vector<Index> sizes = table.dimensions(group + "/" + dataset);
    const Matrix expected = table.rows(group + "/" + dataset);
    std::vector<double> state;
    for (Index update = 0; update < sizes[0]; ++update) {
      const std::string number = std::to_string(update);
      const bool values_only = table.contains(data, "values" + number);
      const Matrix predicted = table.rows(data + (values_only ? "/values" : "/y_pred") + number);
      Matrix target = table.rows(data + (values_only ? "/values" : "/y_true") + number);
      if (target.rows() != predicted.rows()) target.resize(predicted.rows(), target.size() / predicted.rows());
      Vector weights;
      if (weighted) {
        const Matrix each = table.rows("data/weights" + number);
        weights.resize(predicted.rows());
        for (Index row = 0; row < weights.size(); ++row) weights[row] = each(row * each.rows() / weights.size(), 0);
      }
      if (update == 0) state.assign(static_cast<std::size_t>(metric.state_size(predicted.cols())), 0.0);
      metric.add(state, view(predicted), view(target), {weights.data(), weights.size()});
      std::vector<double> results(static_cast<std::size_t>(metric.figures(state)));
      metric.results(state, results);
      const bool vector = sizes.size() > 1;
      REQUIRE(static_cast<Index>(results.size()) == (vector ? sizes[1] : 1));
      for (std::size_t i = 0; i < results.size(); ++i) {
        INFO(name << ", " << dataset << ", update " << update << ", figure " << i << ": " << results[i]);
        const double wanted = static_cast<double>(vector ? expected(update, static_cast<Index>(i)) : expected(update));
        if (std::isnan(wanted))
          CHECK(std::isnan(results[i]));
        else
          CHECK(near(results[i], wanted, in_double));
      }
    }
  }
};

}  // namespace

TEST_CASE("metrics give Keras' results after every update, with and without weights") {
  if (!tests::has_table("metrics.h5")) {
    WARN("skipped: there is no " << tests::table_path("metrics.h5"));
    return;
  }
  const tests::Table table("metrics.h5");
  int compared = 0, only_float = 0;
  for (const std::string& name : table.members("metric")) {
    const Case one(table, name);
    const Metric metric = one.metric("arguments");
    for (const bool weighted : {false, true}) {
      const std::string suffix = weighted ? "_weighted" : "";
      const std::string dataset = (is_double ? "result" : "result32") + suffix;
      if (one.has(dataset)) {
        one.check(metric, dataset, weighted);
        ++compared;
      } else if (is_double && one.has("result32" + suffix)) {
        // Top-k, which TensorFlow has in float only.
        INFO(name);
        CHECK(table.text(one.group, "error_float64" + suffix) != "");
        one.check(metric, "result32" + suffix, weighted);
        ++only_float;
      } else {
        INFO(name << " has no result" << suffix);
        CHECK((name == "pearson" || name == "concordance"));
        CHECK(weighted);
      }
    }
  }
  CHECK(compared > 100);
  if (is_double) WARN(only_float << " results (top-k) are in the table in float only, and compared at its tolerance");
}

TEST_CASE("metrics are read from Keras' own configs, under Keras' names") {
  if (!tests::has_table("metrics.h5")) {
    WARN("skipped: there is no " << tests::table_path("metrics.h5"));
    return;
  }
  const tests::Table table("metrics.h5");
  for (const std::string& name : table.members("metric")) {
    const Case one(table, name);
    if (one.table.text(one.group, "config").empty()) continue;
    INFO(name);
    const Metric given = one.metric("arguments"), read = one.metric("config");
    const std::string keras_name = table.json(one.group, "config").at("name").as_string();
    CHECK(given.name() == without_number(keras_name));
    CHECK(read.name() == keras_name);
    CHECK(read.class_name() == given.class_name());
    if (name != "auc_thresholds") CHECK(read == given);  // Keras writes the number of its own thresholds there
  }
}
