// The network of a recipe: built, held against its pipeline, and made ready to learn.
#include <span>

#include "maas/layers/input_layer.hpp"
#include "maas/model/checkpoint.hpp"
#include "recipe/parts.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

constexpr Index largest = Index{1} << 31;  // numbers in a sample, in a weight, in all weights: io reads no larger ones

Model build(const Recipe& recipe, Index features) {
  const RecipeNetwork& network = recipe.network;
  const Place place = place_of(recipe, "network");
  try {
    std::vector<Layer> layers{InputLayer{Shape{features}}};
    layers.insert(layers.end(), network.layers.begin(), network.layers.end());
    if (!network.graph) check_sizes(layers, place);
    Model model = network.graph ? Model(Network(*network.graph)) : Model(Network(Graph(layers)), "sequential");
    model.initialize(static_cast<std::uint64_t>(network.seed));
    return model;
  } catch (const Error& error) {
    fail_network(recipe, error);
  }
}

void check_fit(const Recipe& recipe, const Pipeline& pipeline, const Network& network) {
  const Graph& graph = network.graph();
  const Place place = place_of(recipe, "network");
  require<ConfigError>(graph.inputs().size() == 1 && graph.outputs().size() == 1,
                       "{}: expected 1 input and 1 output, got {} and {}", place.text(), graph.inputs().size(),
                       graph.outputs().size());
  const auto features = static_cast<Index>(pipeline.feature_names().size());
  require<ConfigError>(graph.input_shape().size() == features,
                       "{}: expected an input for the {} features, got one for {}", place.text(), features,
                       graph.input_shape().size());
  const Index outputs = graph.output_shape().size();
  const auto targets = static_cast<Index>(pipeline.target_names().size());
  std::string names;
  for (const std::string& name : pipeline.target_names()) names += (names.empty() ? "\"" : ", \"") + name + "\"";
  require<ConfigError>(pipeline.output_names(outputs).has_value(),
                       "{}: expected an output for each of the {} targets ({}), or for each class of a single one; the "
                       "last layer gives {}",
                       place.text(), targets, names, outputs);
}

}  // namespace

Index checked_size(const Shape& shape, const Place& place) {
  Index size = 1;
  for (Index dimension : shape) {
    require<ConfigError>(dimension >= 0 && dimension <= largest && (dimension == 0 || size <= largest / dimension),
                         "{}: expected at most {} numbers, got a shape of {}", place.text(), largest, shape.text());
    size *= dimension;
  }
  return size;
}

void check_sizes(const std::vector<Layer>& chain, const Place& place) {
  Shape shape;
  Index weights = 0;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Place layer = i == 0 ? place : place.key("layers").item(i - 1);
    const LayerPlan plan =
        at_place(layer, "", [&] { return i == 0 ? chain[i].plan({}) : chain[i].plan(std::span(&shape, 1)); });
    checked_size(plan.output, layer);
    for (const ParameterSpec& weight : plan.parameters) weights += checked_size(weight.shape, layer);
    require<ConfigError>(weights <= largest, "{}: expected at most {} weights in all, got {}", layer.text(), largest,
                         weights);
    shape = plan.output;
  }
}

void fail_network(const Recipe& recipe, const Error& error) {
  const std::string place = place_of(recipe, "network").text();
  const std::string_view what = error.what();
  fail<ConfigError>("{}", what.starts_with(place) ? std::string(what) : place + ": " + error.what());
}

Model ready_model(const Recipe& recipe, std::optional<Model> base, const Pipeline& pipeline, KeptFigures kept,
                  const FitOptions& fit) {
  Model model = base ? std::move(*base) : build(recipe, static_cast<Index>(pipeline.feature_names().size()));
  check_fit(recipe, pipeline, model.network());
  model.info().pipeline = pipeline;
  model.info().inputs.clear();
  for (const std::string& name : pipeline.feature_names()) {
    if (model.info().inputs.empty()) model.info().inputs.emplace_back();
    model.info().inputs[0].push_back({.name = name});
  }
  model.info().baselines = std::move(kept.baselines);
  model.info().reference = std::move(kept.reference);
  model.info().reading = to_config(recipe.data.csv);
  for (const Callback& callback : fit.callbacks)
    if (auto* checkpoint = callback.as<ModelCheckpoint>()) checkpoint->info = model.info();
  if (recipe.base.empty() || recipe.training.compile.loss) model.compile(recipe.training.compile);
  if (model.info().self_test) model.info().self_test->outputs.clear();  // of a base: they are given anew
  return model;
}

}  // namespace maas::inline MAAS_ABI::recipe
