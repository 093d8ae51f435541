// Files that other people's programs wrote, Keras 1.2 to 3.10.
#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

const std::string models = MAAS_SHARED_DIR "/models";

void check_predictions(const std::string& folder, std::map<std::string, std::string>& row, const Network& network) {
  const std::string name = folder + "/expected/" + row["file"].substr(0, row["file"].size() - 3);
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < network.graph().inputs().size(); ++i)
    inputs.push_back(read_numbers(name + ".x" + std::to_string(i) + ".csv"));
  const double tolerance = std::max(1e-6, 10 * std::stod(row["f32_relerr"]));
  CHECK(difference(network.predict(inputs)[0], read_numbers(name + ".y0.csv")) <= tolerance);
}

/// Prints the verdict on a file; the page that users read must have the same one.
void tell(const std::string& file, const std::string& verdict) {
  static const std::string page = bytes_of(MAAS_FIXTURES_DIR "/../../docs/keras-compatibility.md");
  const std::string row = "| `" + file + "` | " + verdict + " |\n";
  std::cerr << row;
  INFO(row);
  CHECK(page.find(row) != std::string::npos);
}

/// Without the file's name in front, and without the list of what maas has.
std::string cause_of(const std::string& what, const std::string& path) {
  std::string cause = what.substr(path.size() + 2);
  cause = cause.substr(0, cause.find("; maas reads "));
  for (std::size_t at = cause.find('|'); at != std::string::npos; at = cause.find('|', at + 2)) cause.insert(at, "\\");
  return cause;
}

}  // namespace

TEST_CASE("models found in the wild give the right predictions, or are refused by name") {
  const std::string folder = models + "/wild";
  if (!have(folder + "/MANIFEST.tsv")) return;
  int compared = 0, refused = 0, odd = 0;
  for (auto& row : read_rows(folder + "/MANIFEST.tsv")) {
    INFO(row["file"]);
    std::optional<SavedModel> saved;
    std::string why;
    if (row["kind"] == "odd") {
      // Right, or refused with the cause.
      try {
        saved = read_keras(folder + "/" + row["file"]);
      } catch (const FormatError& error) {
        const std::string what = error.what(), path = folder + "/" + row["file"];
        REQUIRE(what.starts_with(path + ": "));
        tell(row["file"], "refused: " + cause_of(what, path));
        ++odd;
        continue;
      }
    } else {
      CHECK_NOTHROW(saved = read_supported(folder + "/" + row["file"], why));
    }
    if (!saved) {
      ++refused;
      continue;
    }
    tell(row["file"], "right");
    if (row["params"] != "-") CHECK(saved->network.parameters().count() == std::stol(row["params"]));
    if (exists(folder + "/expected/" + row["file"].substr(0, row["file"].size() - 3) + ".y0.csv"))
      check_predictions(folder, row, saved->network);
    if (row["optimizer"] != "-") {
      if (!saved->training) UNSCOPED_INFO((saved->warnings.empty() ? "no warning" : saved->warnings[0]));
      CHECK((saved->training.has_value() || !saved->warnings.empty()));
    }
    ++compared;
  }
  std::cerr << "compared " << compared << " wild models; " << refused << " have layers that are not there yet, " << odd
            << " odd ones were refused\n";
  CHECK(compared >= 41);
}

TEST_CASE("the dense traffic model of Keras 2.1.4 predicts as published") {
  const std::string expected = models + "/expected/keras-2.1.4-pems-saes.pred.csv";
  const std::string test = MAAS_SHARED_DIR "/data/traffic/pems-lane1-test.csv";
  if (!have(expected) || !have(test)) return;
  const SavedModel saved = read_keras(models + "/keras-2.1.4-pems-saes.h5");
  CHECK(saved.keras_version == "2.1.4");
  CHECK(saved.backend == "tensorflow");
  if (saved.training) {
    CHECK(saved.training->optimizer.class_name() == "RMSprop");
    CHECK(saved.training->loss->class_name() == "MeanSquaredError");
    CHECK(saved.training->metrics.at(0).name() == "mape");
    REQUIRE(saved.training->state);
    CHECK(saved.training->state->slot(0).maxCoeff() > 0);
  } else {
    CHECK_THAT(saved.warnings.at(0), Catch::StartsWith("training settings left out: metrics: unknown metric \"mape\""));
  }

  // Columns: row, true flow, prediction of the scaled model, prediction in vehicles.
  std::ifstream file(expected);
  std::string line;
  std::vector<double> flow, wanted;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string row, truth, scaled;
    if (line.empty() || (line[0] != '-' && !std::isdigit(static_cast<unsigned char>(line[0])))) continue;
    std::getline(cells, row, ',');
    std::getline(cells, truth, ',');
    std::getline(cells, scaled, ',');
    flow.push_back(std::stod(truth));
    wanted.push_back(std::stod(scaled));
  }
  REQUIRE(wanted.size() == 4308);
  // Every prediction but the first twelve has its lags among the true flows of this very file.
  Matrix x(static_cast<Index>(flow.size()) - 12, 12);
  for (Index row = 0; row < x.rows(); ++row)
    for (Index lag = 0; lag < 12; ++lag)
      x(row, lag) = static_cast<Scalar>(flow[static_cast<std::size_t>(row + lag)] / 197);
  const Matrix predicted = saved.network.predict(x);
  double largest = 0;
  for (Index row = 0; row < x.rows(); ++row)
    largest = std::max(largest,
                       std::abs(static_cast<double>(predicted(row, 0)) - wanted[static_cast<std::size_t>(row + 12)]));
  CHECK(largest <= 1e-5);
}
