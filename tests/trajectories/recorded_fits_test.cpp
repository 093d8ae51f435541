// Small fits that scripts/keras/record.py recorded: masks on outputs, weights of steps, the order of figures.
#include <algorithm>
#include <filesystem>

#include "folders.hpp"
#include "keras_parts.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/keras_json.hpp"

using namespace maas;
using tests::difference;
using tests::matrices_of;
using tests::matrix_of;
using tests::vectors_of;

namespace {

constexpr tests::Tolerance tolerance = {.relative = tests::is_double ? 1e-9 : 1e-4,
                                        .absolute = tests::is_double ? 1e-10 : 1e-5};

Matrix column(const std::vector<double>& numbers) {
  Matrix result(static_cast<Index>(numbers.size()), 1);
  std::ranges::transform(numbers, result.data(), [](double x) { return static_cast<Scalar>(x); });
  return result;
}
Matrix column(const Config& numbers) {
  std::vector<double> values;
  for (const Config& number : numbers.as_list()) values.push_back(number.as_real());
  return column(values);
}

std::vector<std::string> names_of(const Config& pairs) {
  std::vector<std::string> names;
  for (const Config& pair : pairs.as_list()) names.push_back(pair.as_list()[0].as_string());
  return names;
}

FitOptions options_of(const Config& fit) {
  FitOptions options{.epochs = static_cast<int>(fit.at("epochs").as_integer()),
                     .batch_size = static_cast<Index>(fit.at("batch_size").as_integer()),
                     .verbose = 0,
                     .shuffle = false,
                     .validation_split = fit.at("validation_split").as_real(),
                     .validation_freq = static_cast<int>(fit.at("validation_freq").as_integer()),
                     .sample_weights = vectors_of(fit.at("sample_weight"))};
  const Config::List& held = fit.at("validation").as_list();
  if (!held.empty())
    options.validation_data =
        ValidationData{.x = matrices_of(held[0]), .y = matrices_of(held[1]), .sample_weights = vectors_of(held[2])};
  if (!fit.at("rate").is_null()) {
    const double rate = fit.at("rate").as_real();
    options.callbacks.push_back(LearningRateScheduler{[=](int epoch, double) { return rate / (1 + epoch); }});
  }
  if (const Config& swap = fit.at("swap_on_epoch"); !swap.is_null())
    options.callbacks.push_back(SwapEMAWeights{.swap_on_epoch = swap.as_bool()});
  return options;
}

void check_history(const Config& fit, const History& history) {
  CHECK(history.names() == names_of(fit.at("history")));
  for (const Config& pair : fit.at("history").as_list()) {
    const std::string& name = pair.as_list()[0].as_string();
    INFO(name);
    if (history.contains(name)) CHECK(difference(column(history[name]), column(pair.as_list()[1]), tolerance) == "");
  }
}

/// Keras' list of figures, whose order is that of the logs; and the same by name. A weighted metric that has the name
/// of another is listed by Keras with the other's figure, where it would stand, and with its own at the end.
void check_evaluation(const Config& fit, const Logs& logs) {
  for (const Config& pair : fit.at("evaluate_by_name").as_list()) {
    const std::string& name = pair.as_list()[0].as_string();
    INFO(name);
    const double* found = find_log(logs, name);
    REQUIRE(found != nullptr);
    CHECK(difference(column(std::vector{*found}), column(std::vector{pair.as_list()[1].as_real()}), tolerance) == "");
  }
  const Config::List& list = fit.at("evaluate").as_list();
  CHECK(logs.size() == fit.at("evaluate_by_name").as_list().size());
  if (logs.size() != list.size()) return;
  std::vector<double> figures;
  for (const auto& [name, value] : logs) figures.push_back(value);
  CHECK(difference(column(figures), column(fit.at("evaluate")), tolerance) == "");
}

void check_weights(const Config& expected, const Model& model) {
  CHECK(expected.as_object().size() == model.weight_names().size());
  for (const auto& [name, array] : expected.as_object()) {
    INFO(name);
    const ConstMatrixView mine = model.weight(name);
    const Matrix theirs = matrix_of(array);
    CHECK(difference(Eigen::Map<const Matrix>(mine.data(), 1, mine.size()),
                     Eigen::Map<const Matrix>(theirs.data(), 1, theirs.size()), tolerance) == "");
  }
}

void repeat_fit(const Config& fit) {
  Model model = replay::compiled_model(fit.at("model"));
  for (const auto& [name, array] : fit.at("initial").as_object()) {
    const Matrix weights = matrix_of(array);
    MatrixView view = model.weight(name);
    REQUIRE(view.size() == weights.size());
    std::copy_n(weights.data(), weights.size(), view.data());
  }
  const std::vector<Matrix> x = matrices_of(fit.at("x")), y = matrices_of(fit.at("y"));
  check_history(fit, model.fit(x, y, options_of(fit)));
  check_evaluation(fit, model.evaluate(x, y, static_cast<Index>(fit.at("batch_size").as_integer()),
                                       vectors_of(fit.at("sample_weight"))));
  check_weights(fit.at("final"), model);
  const std::vector<Matrix> outputs = model.predict(x), expected = matrices_of(fit.at("outputs"));
  for (std::size_t i = 0; i < outputs.size(); ++i) CHECK(difference(outputs[i], expected[i], tolerance) == "");
}

}  // namespace

TEST_CASE("fits with masks, weights of steps and several outputs are Keras', and so is the order of their figures") {
  const std::vector<std::string> names = replay::files_with_ending(tests::own_fixture("keras/fits"), ".json");
  CHECK(names.size() >= 15);
  for (const std::string& name : names) {
    INFO(name);
    CHECK_NOTHROW(repeat_fit(tests::keras_json("fits/" + name)));
  }
}
