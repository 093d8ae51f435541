// What the classes of a recipe weigh.
#include <algorithm>

#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// These measure how far numbers are apart.
bool is_loss_of_numbers(const Loss& loss) {
  constexpr std::string_view names[] = {MeanSquaredError::class_name,
                                        MeanAbsoluteError::class_name,
                                        MeanAbsolutePercentageError::class_name,
                                        MeanSquaredLogarithmicError::class_name,
                                        Huber::class_name,
                                        LogCosh::class_name,
                                        Poisson::class_name,
                                        QuantileLoss::class_name};
  return std::find(std::begin(names), std::end(names), loss.class_name()) != std::end(names);
}

// Counts of vehicles are whole numbers, too: what they are is told by the loss, unless they are yes or no.
bool are_classes(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const std::vector<std::string>& targets = pipeline.target_names();
  if (targets.size() == 1 && pipeline.classes_of(targets[0]) != nullptr) return true;
  if (!recipe.training.compile.loss || !is_loss_of_numbers(*recipe.training.compile.loss)) return true;
  return std::all_of(y.data(), y.data() + y.size(), [](Scalar value) { return value == 0 || value == 1; });
}

std::map<int, double> balanced_weights(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const Place place = place_of(recipe, "training").key("class_weight");
  require<ConfigError>(are_classes(recipe, pipeline, y),
                       "{}: expected a target of classes for \"balanced\", got numbers in \"{}\"", place.text(),
                       pipeline.target_names().front());
  try {
    return balanced_class_weight(y);
  } catch (const DataError& error) {
    fail<ConfigError>("{}: expected a target of classes for \"balanced\": {}", place.text(), error.what());
  }
}

}  // namespace

std::map<int, double> class_weights(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const ClassWeights& given = recipe.training.class_weight;
  const Place place = place_of(recipe, "training").key("class_weight");
  if (given.balanced) return balanced_weights(recipe, pipeline, y);
  std::map<int, double> weights;
  std::vector<std::string> names;
  const std::vector<std::string>& targets = pipeline.target_names();
  if (const auto* classes = targets.size() == 1 ? pipeline.classes_of(targets[0]) : nullptr)
    names = *classes;
  else if (pipeline.target_names().size() > 1)
    names = pipeline.target_names();
  for (const auto& [name, weight] : given.weights) {
    const auto found = std::find(names.begin(), names.end(), name);
    const bool is_number = !name.empty() && name.size() < 9 && name.find_first_not_of("0123456789") == name.npos;
    if (found == names.end() && !is_number) fail_unknown(place, "classes", name, names);
    weights[found != names.end() ? static_cast<int>(found - names.begin()) : std::stoi(name)] = weight;
  }
  return weights;
}

}  // namespace maas::inline MAAS_ABI::recipe
