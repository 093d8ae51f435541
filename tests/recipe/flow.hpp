// A recipe that a stream can have, with its data, for tests.
#pragma once

#include <cmath>

#include "recipe/small.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Three columns with gaps, a kind and a time; the rows from `planted` on hold other numbers.
inline void write_rows(const std::string& path, int rows = 200, int planted = 1000000) {
  std::string text = "time,speed,count,kind,flow\n";
  for (int i = 0; i < rows; ++i) {
    const double speed = i < planted ? 50 + 10 * std::sin(0.7 * i) : 1e5;
    text += fmt::format("2024-01-{:02d} {:02d}:00,{},{},{},{:.6g}\n", 1 + i / 24, i % 24,
                        i % 11 == 3 ? "" : fmt::format("{:.5g}", speed), i % 9 == 4 ? "" : std::to_string(i % 5),
                        i % 3 == 0 ? "car" : "bus", 2 * speed + i % 5);
  }
  write_text(path, text);
}

inline const std::string flow_recipe = R"({
  "data": {"files": "flow.csv"},
  "split": {"validation": 0.1, "test": 0.2},
  "pipeline": {
    "steps": [
      {"class": "valid_range", "columns": ["speed"], "low": 0, "high": 200},
      {"class": "impute", "columns": ["speed"]},
      {"class": "impute", "columns": ["count"], "fill": "most_frequent"},
      "one_hot", "time_features",
      {"class": "min_max", "columns": ["count"]},
      {"class": "standard", "columns": ["speed", "flow"]}
    ],
    "features": ["time", "speed", "count", "kind"], "targets": ["flow"], "out_of_range": "clip"
  },
  "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}, {"class": "dense", "units": 1}]},
  "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 5, "shuffle": false,
               "batch_size": 16, "callbacks": [{"class": "early_stopping", "patience": 2}]}
})";

/// That recipe, with changes.
inline Recipe flow(const std::vector<std::string>& changes = {}) {
  return parse_recipe(flow_recipe, "f.json", changes);
}

/// What running it is refused with; empty where it is not.
inline std::string problem_of(const std::vector<std::string>& changes) {
  return problem_of([](const std::vector<std::string>& all) { run_recipe(flow(all), silent); }, changes);
}

/// In a stream, of which few rows are in memory.
inline const std::string in_blocks = R"(data.stream={"block_rows": 7, "mixed_blocks": 3})";

/// The same changes, in a stream.
inline std::vector<std::string> with_stream(std::vector<std::string> changes) {
  changes.insert(changes.begin(), in_blocks);
  return changes;
}

/// Scores of numbers to rounding, of classes exactly.
inline void check_same_scores(const Evaluation& a, const Evaluation& b) {
  CHECK(a.name == b.name);
  CHECK(a.rows == b.rows);
  CHECK(a.unanswered == b.unanswered);
  REQUIRE(a.targets.size() == b.targets.size());
  for (std::size_t i = 0; i < a.targets.size(); ++i) {
    CHECK(a.targets[i].count() == b.targets[i].count());
    CHECK(a.targets[i].confusion == b.targets[i].confusion);
    REQUIRE(a.targets[i].answers.size() == b.targets[i].answers.size());
    for (std::size_t answer = 0; answer < a.targets[i].answers.size(); ++answer) {
      CHECK(a.targets[i].answers[answer].name == b.targets[i].answers[answer].name);
      for (std::size_t k = 0; k < a.targets[i].answers[answer].scores.size(); ++k)
        CHECK(a.targets[i].answers[answer].scores[k].second ==
              Approx(b.targets[i].answers[answer].scores[k].second).epsilon(1e-9));
    }
  }
}

}  // namespace maas::inline MAAS_ABI::tests
