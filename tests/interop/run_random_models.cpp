// Repeats in maas what scripts/keras/random_models.py had real Keras do with models that chance put together.
// usage: run_random_models FOLDER
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "io/json.hpp"
#include "maas/maas.hpp"
#include "support/difference.hpp"
#include "support/keras_arrays.hpp"

using namespace maas;
using tests::is_double;
using tests::matrices_of;

namespace {

// Keras rounds some constants to float32 even in double (the slope of leaky_relu, the square root of 2 in gelu): each
// moves a number by up to 6e-8 of it. In float sums in another order differ by some units in the last place of their
// largest term, which a dozen layers with norms among them enlarge. Training enlarges all of that again, most where an
// optimizer divides by the square root of a small square. Wrong formulas are off by far more than these.
constexpr tests::Tolerance of_predictions = {.relative = is_double ? 1e-7 : 2e-4, .absolute = is_double ? 1e-7 : 5e-5};
constexpr tests::Tolerance of_training = {.relative = is_double ? 2e-6 : 5e-3, .absolute = is_double ? 2e-6 : 2e-3};

Matrix row_of(const std::vector<double>& numbers) {
  Matrix row(1, static_cast<Index>(numbers.size()));
  std::ranges::transform(numbers, row.data(), [](double x) { return static_cast<Scalar>(x); });
  return row;
}

std::vector<double> numbers_of(const Config& list) {
  std::vector<double> numbers;
  for (const Config& number : list.as_list()) numbers.push_back(number.as_real());
  return numbers;
}

/// One recorded model; collects what is otherwise.
class Repeat {
 public:
  Repeat(std::string folder, const Config& recorded) : folder_(std::move(folder)), recorded_(recorded) {}

  std::vector<std::string> run() {
    const std::string file = recorded_.at("file").as_string();
    SavedModel saved = read_keras(folder_ + "/" + file);
    for (const std::string& warning : saved.warnings) note("warning", warning);
    Model model(std::move(saved));
    const std::vector<Matrix> x = matrices_of(recorded_.at("x"));
    compare_all("prediction", model.predict(x), "before", of_predictions);
    if (recorded_.at("trains").as_bool()) train(model, x);
    const std::size_t dot = file.find('.');
    const std::string again = folder_ + "/" + file.substr(0, dot) + ".again" + file.substr(dot);
    if (!model.save(again).empty()) std::filesystem::remove(again);  // Keras will not find all of it there
    return problems_;
  }

 private:
  void note(const std::string& what, const std::string& problem) {
    if (!problem.empty()) problems_.push_back(fmt::format("{}: {}", what, problem));
  }

  void compare_all(const std::string& what, const std::vector<Matrix>& found, const std::string& name,
                   tests::Tolerance tolerance) {
    const std::vector<Matrix> expected = matrices_of(recorded_.at(name));
    if (found.size() != expected.size()) return note(what, fmt::format("{} outputs", found.size()));
    for (std::size_t i = 0; i < found.size(); ++i)
      note(fmt::format("{} {}", what, i), difference(found[i], expected[i], tolerance));
  }

  void train(Model& model, const std::vector<Matrix>& x) {
    const std::vector<Matrix> y = matrices_of(recorded_.at("y"));
    const std::vector<Vector> weights = tests::vectors_of(recorded_.at("sample_weight"));
    const Index batch_size = static_cast<Index>(recorded_.at("batch_size").as_integer());
    const History history = model.fit(x, y,
                                      {.epochs = static_cast<int>(recorded_.at("epochs").as_integer()),
                                       .batch_size = batch_size,
                                       .verbose = 0,
                                       .shuffle = false,
                                       .validation_split = recorded_.at("validation_split").as_real(),
                                       .sample_weights = weights});
    for (const Config& pair : recorded_.at("history").as_list()) {
      const std::string& name = pair.as_list()[0].as_string();
      note("history " + name,
           history.contains(name)
               ? difference(row_of(history[name]), row_of(numbers_of(pair.as_list()[1])), of_training)
               : fmt::format("is not there, but {}", fmt::join(history.names(), ", ")));
    }
    const Logs logs = model.evaluate(x, y, batch_size, weights);
    for (const Config& pair : recorded_.at("evaluate").as_list()) {
      const std::string& name = pair.as_list()[0].as_string();
      const double* found = find_log(logs, name);
      note("evaluation " + name,
           found == nullptr ? "is not there"
                            : difference(row_of({*found}), row_of({pair.as_list()[1].as_real()}), of_training));
    }
    compare_all("prediction after training", model.predict(x), "after", of_training);
  }

  std::string folder_;
  const Config& recorded_;
  std::vector<std::string> problems_;
};

Config read_record(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return io::parse_json(text.str(), path.string());
}

std::vector<std::string> problems_of(const std::string& folder, const Config& recorded) {
  try {
    return Repeat(folder, recorded).run();
  } catch (const std::exception& error) {
    return {error.what()};
  }
}

std::vector<std::filesystem::path> records_of(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: run_random_models FOLDER\n");
    return 2;
  }
  int wrong = 0, count = 0;
  for (const std::filesystem::path& path : records_of(argv[1])) {
    const Config recorded = read_record(path);
    const std::vector<std::string> problems = problems_of(argv[1], recorded);
    ++count;
    if (problems.empty()) continue;
    ++wrong;
    std::string layers;
    for (const Config& layer : recorded.at("layers").as_list()) layers += " " + layer.as_string();
    fmt::print("{}: {}\n", recorded.at("file").as_string(), fmt::join(problems, "\n  "));
    fmt::print("  layers{}; {}\n", layers, recorded.at("optimizer").as_string());
  }
  fmt::print("{} models of Keras repeated, {} wrong\n", count, wrong);
  return wrong == 0 && count > 0 ? 0 : 1;
}
