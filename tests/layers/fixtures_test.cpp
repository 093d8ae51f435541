// Every layer against Keras: outputs, gradients of inputs and weights, and statistics after a step.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/hdf5_file.hpp"
#include "io/json.hpp"
#include "keras_models.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/paths.hpp"
#include "trajectories/archive.hpp"

using namespace fixtures;

namespace {

using tests::is_double;

std::string layers_folder() { return tests::fixture("layers/"); }

/// One line of MANIFEST.tsv by the names of its columns.
using Line = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// One line a case: that of the form which is read most directly.
std::map<std::string, Line> read_manifest(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  const std::vector<std::string> columns = split(text, '\t');
  auto rank = [](const std::string& form) { return form == "k3.h5" ? 2 : form == "keras" ? 1 : 0; };
  std::map<std::string, Line> cases;
  while (std::getline(file, text)) {
    const std::vector<std::string> values = split(text, '\t');
    Line line;
    for (std::size_t i = 0; i < columns.size(); ++i) line[columns[i]] = i < values.size() ? values[i] : "";
    Line& kept = cases[line["case"]];
    if (kept.empty() || rank(line["form"]) > rank(kept["form"])) kept = line;
  }
  return cases;
}

/// "3x4x5 3x2": the shapes of samples, without the batch.
std::vector<Shape> shapes_of(const std::string& text) {
  std::vector<Shape> shapes;
  for (const std::string& one : split(text, ' ')) {
    Shape shape;
    const std::vector<std::string> sizes = split(one, 'x');
    for (std::size_t i = 1; i < sizes.size(); ++i) shape.append(std::stol(sizes[i]));
    shapes.push_back(shape);
  }
  return shapes;
}

Index batch_of(const std::string& shapes) { return std::stol(shapes); }

Config model_config(const std::string& path) {
  if (path.ends_with(".keras")) return io::parse_json(replay::unpacked_member(path, "config.json"), path);
  return io::parse_json(io::Hdf5Reader(path).text("", "model_config").value(), path);
}

Matrix numbers(const io::Hdf5Reader& file, const std::string& dataset) {
  const io::Hdf5Dataset found = file.dataset(dataset);
  const Index rows = found.dimensions.empty() ? 1 : found.dimensions[0];
  Matrix result(rows, rows == 0 ? 0 : found.size() / rows);
  file.read(dataset, found.dimensions, result.data());
  return result;
}

/// The first number that is too far off, or nothing: |a - b| <= tolerance max(1, |b|).
std::string difference(const Scalar* got, const Matrix& expected, double tolerance) {
  for (Index i = 0; i < expected.size(); ++i) {
    const double a = static_cast<double>(got[i]), b = static_cast<double>(expected.data()[i]);
    if (!(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b))))
      return fmt::format("number {} is {}, in Keras {}", i, a, b);
  }
  return "";
}

/// Layers of a case that the catalog does not know.
std::string unknown_layers(const std::string& layers) {
  std::string unknown;
  for (const std::string& name : split(layers, ' ')) {
    bool known = false;
    for (const auto& entry : BuiltinLayers::entries()) known = known || entry.class_name == name;
    if (!known) unknown += (unknown.empty() ? "" : ", ") + name;
  }
  return unknown;
}

/// Cases in which the library departs from Keras on purpose.
std::string known_difference(const std::string& name) {
  if (name == "dense_sparsemax") return "Keras' sparsemax sums too much; its rows do not add up to 1";
  return "";
}

/// What differs between a case and the library, a line each.
std::vector<std::string> compare(const Line& line, const io::Hdf5Reader& expected) {
  const std::string group = line.at("case") + "/", suffix = line.at("compare_with");
  const Index batch = batch_of(line.at("input_shapes"));
  const bool has_gradients = line.at("gradients") == "yes", training = line.at("training") == "1";
  const double stated = std::stod(line.at("tolerance_f32"));
  const double tolerance = is_double && stated < 0.01 && suffix == "_f64" ? 1e-10 : stated;
  const std::vector<Shape> shapes = shapes_of(line.at("input_shapes"));
  const Config trainable = io::parse_json(expected.text(line.at("case"), "trainable_names").value(), "trainable_names");
  const Config names = io::parse_json(expected.text(line.at("case"), "weight_names").value(), "weight_names");

  Network network(GraphReader(model_config(layers_folder() + line.at("file")), shapes, has_gradients, batch).graph());
  Parameters& parameters = network.parameters();
  std::vector<ParameterEntry> weights, taps;
  for (const ParameterEntry& entry : parameters.entries())
    (network.graph().layer(entry.layer).class_name() == "Tap" ? taps : weights).push_back(entry);
  std::vector<std::string> errors;
  auto check = [&](const std::string& what, const Scalar* got, Index size, const std::string& dataset) {
    const Matrix wanted = numbers(expected, group + dataset);
    if (wanted.size() != size)
      errors.push_back(fmt::format("{}: {} numbers, in Keras {}", what, size, wanted.size()));
    else if (const std::string found = difference(got, wanted, tolerance); !found.empty())
      errors.push_back(what + ": " + found);
  };
  if (weights.size() != names.as_list().size())
    return {fmt::format("{} weights, in Keras {}", weights.size(), names.as_list().size())};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Matrix values = numbers(expected, group + "w" + std::to_string(i));
    if (values.size() != weights[i].shape.size())
      return {fmt::format("{} has {} numbers, in Keras {}", weights[i].name, weights[i].shape.size(), values.size())};
    std::copy_n(values.data(), values.size(), parameters.view(weights[i]).data());
  }

  Workspace workspace(network, batch, Mode::training);
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) inputs.push_back(numbers(expected, group + "x" + std::to_string(i)));
  for (std::size_t i = 0; i < shapes.size(); ++i) workspace.set_input(inputs[i].data(), static_cast<Index>(i));
  workspace.forward(parameters, training ? Mode::training : Mode::inference, Random(1));
  for (std::size_t i = 0; i < network.graph().outputs().size(); ++i) {
    const ConstMatrixView y = workspace.output(static_cast<Index>(i));
    check("output " + std::to_string(i), y.data(), y.size(), "y" + std::to_string(i) + suffix);
    if (!has_gradients) continue;
    const Matrix direction = numbers(expected, group + "ct" + std::to_string(i));
    workspace.output_gradient(static_cast<Index>(i)) = direction;
  }
  if (!training) {  // the same without room for a backward pass
    const std::vector<Matrix> outputs = network.predict(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      check("prediction " + std::to_string(i), outputs[i].data(), outputs[i].size(), "y" + std::to_string(i) + suffix);
  }
  if (has_gradients) {
    Parameters gradients(parameters.shared_layout());
    workspace.backward(parameters, gradients);
    if (workspace.activity_penalty() != 0) {  // Keras' gradients here are those of the outputs alone
      Parameters of_penalties(parameters.shared_layout());
      for (std::size_t i = 0; i < network.graph().outputs().size(); ++i)
        workspace.output_gradient(static_cast<Index>(i)).setZero();
      workspace.backward(parameters, of_penalties);
      gradients.values() -= of_penalties.values();
    }
    bool integers = trainable.as_list().size() > 0 && line.at("layers").starts_with("Embedding");
    for (std::size_t i = 0; i < taps.size() && !integers; ++i)
      check("gradient of input " + std::to_string(i), gradients.view(taps[i]).data(), taps[i].shape.size(),
            "gx" + std::to_string(i) + suffix);
    std::size_t number = 0;
    for (const ParameterEntry& entry : weights)
      if (entry.trainable)
        check("gradient of " + entry.name, gradients.view(entry).data(), entry.shape.size(),
              "gw" + std::to_string(number++) + suffix);
    if (number != trainable.as_list().size())
      errors.push_back(fmt::format("{} weights to train, in Keras {}", number, trainable.as_list().size()));
  }
  if (training) {
    workspace.apply_statistics(parameters);
    for (std::size_t i = 0; i < weights.size(); ++i)
      check("after the call " + weights[i].name, parameters.view(weights[i]).data(), weights[i].shape.size(),
            "after" + std::to_string(i) + suffix);
  }
  return errors;
}

}  // namespace

TEST_CASE("layers give Keras' outputs and gradients") {
  const std::string folder = layers_folder();
  if (!std::filesystem::exists(folder + "MANIFEST.tsv")) {
    fmt::print("skipped: there are no fixtures of layers in {}\n", folder);
    return;
  }
  const io::Hdf5Reader expected(folder + "expected.h5");
  int compared = 0;
  std::string left_out;
  for (const auto& [name, line] : read_manifest(folder + "MANIFEST.tsv")) {
    if (const std::string unknown = unknown_layers(line.at("layers")); !unknown.empty()) {
      left_out += fmt::format("  {}: maas has no {}\n", name, unknown);
      continue;
    }
    if (const std::string reason = known_difference(name); !reason.empty()) {
      left_out += fmt::format("  {}: {}\n", name, reason);
      continue;
    }
    INFO(line.at("file"));
    try {
      std::string errors;
      for (const std::string& error : compare(line, expected)) errors += "\n  " + error;
      CHECK(errors == "");
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
    }
    ++compared;
  }
  fmt::print("{} cases of layers compared with Keras in {}; left out:\n{}", compared, is_double ? "double" : "float",
             left_out);
  CHECK(compared > 0);
}
