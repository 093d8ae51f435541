// Every case of the table of optimizers and schedules that Keras computed: twenty steps each.
#include <set>

#include "maas/optimizers/optimizers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/skip.hpp"
#include "support/table.hpp"

using namespace maas;
using tests::difference;

namespace {

constexpr tests::Tolerance after_20_steps = {tests::is_double ? 1e-9 : 1e-4, tests::is_double ? 1e-10 : 1e-5};
const std::string folder = tests::is_double ? "keras3/float64" : "keras3/float32";

/// Keras' object with its name, and that of a schedule in it, left out: maas has no use for them.
Config without_names(Config config) {
  config.erase("name");
  if (const Config* rate = config.find("learning_rate"); rate != nullptr && rate->is_object()) {
    Config schedule = *rate, fields = schedule.at("config");
    fields.erase("name");
    config.set("learning_rate", Config{}.set("class_name", schedule.at("class_name")).set("config", fields));
  }
  return config;
}

/// The table's weights, one tensor after the other, in maas' layout: each on a border.
class Weights {
 public:
  explicit Weights(const Config& shapes) {
    for (const Config& shape : shapes.as_list()) {
      Shape dimensions;
      for (const Config& dimension : shape.as_list()) dimensions.append(dimension.as_integer());
      places.push_back({.offset = size, .shape = dimensions, .name = "v" + std::to_string(places.size())});
      size += rounded_to_border(dimensions.size());
    }
  }
  void spread(const Eigen::Ref<const Matrix>& packed, VectorView flat) const {
    Index from = 0;
    for (const TensorPlace& place : places)
      for (Index i = 0; i < place.shape.size(); ++i) flat[place.offset + i] = packed.data()[from++];
  }
  Matrix packed(const VectorView& flat) const {
    std::vector<Scalar> all;
    for (const TensorPlace& place : places)
      all.insert(all.end(), flat.data() + place.offset, flat.data() + place.offset + place.shape.size());
    return Eigen::Map<const Matrix>(all.data(), 1, static_cast<Index>(all.size()));
  }

  std::vector<TensorPlace> places;
  Index size = 0;
};

/// Keras' state after the last step, variable by variable, beside ours.
void check_state(const tests::Table& table, const std::string& group, const Weights& weights,
                 const Optimizer& optimizer, const OptimizerState& state) {
  const Config names = table.json(group, "state_names");
  const std::vector<std::string_view> slots = optimizer.slot_names();
  for (std::size_t i = 0; i < names.as_list().size(); ++i) {
    const std::string dataset = group + "/state" + std::to_string(i);
    if (!table.contains(group, "state" + std::to_string(i))) continue;
    std::string name = names.as_list()[i].as_string();
    name = name.substr(name.rfind('/') + 1);
    INFO(name);
    if (name.starts_with("variable")) {
      CHECK(state.scalars[0] == Approx(static_cast<double>(table.rows(dataset)(0))).epsilon(1e-6));
      continue;
    }
    const std::size_t line = name.find('_');
    if (name[0] != 'v' || line == std::string::npos) continue;
    const auto slot = std::ranges::find(slots, std::string_view(name).substr(line + 1));
    if (!std::isdigit(static_cast<unsigned char>(name[1])) || slot == slots.end()) continue;
    const TensorPlace& place = weights.places[static_cast<std::size_t>(name[1] - '0')];
    Matrix expected = table.rows(dataset);
    expected.resize(expected.size(), 1);
    // Adafactor's velocity of a tensor of rank 2 or more is no state: Keras leaves it at 0, maas uses it as scratch.
    if (expected.size() != place.shape.size()) continue;
    CHECK(difference(state.slot(slot - slots.begin()).segment(place.offset, expected.size()), expected,
                     after_20_steps) == "");
  }
}

void check_case(const tests::Table& table, const std::string& name, const Optimizer& optimizer) {
  const std::string group = folder + "/" + name;
  const Weights weights(table.json("", "shapes"));
  const Matrix gradients = table.rows("gradients"), after = table.rows(group + "/after"),
               rates = table.rows(group + "/learning_rate");
  OptimizerState state(optimizer, weights.size);
  Block parameters(weights.size), gradient(weights.size);
  Matrix initial = table.rows("initial");
  weights.spread(initial, parameters.vector());
  for (Index step = 0; step < gradients.rows(); ++step) {
    INFO("step " << step);
    weights.spread(gradients.row(step), gradient.vector());
    const double rate = optimizer.learning_rate().at(step / optimizer.options().batches_a_step());
    CHECK(rate == Approx(static_cast<double>(rates(step))).epsilon(1e-6));
    optimizer.step(parameters.vector(), gradient.vector(), weights.places, state);
    const std::string found = difference(weights.packed(parameters.vector()), after.row(step), after_20_steps);
    CHECK(found == "");
    if (!found.empty()) return;
  }
  check_state(table, group, weights, optimizer, state);
  optimizer.finish(parameters.vector(), state);
  if (table.contains(group, "finalized")) {
    Matrix expected = table.rows(group + "/finalized");
    expected.resize(1, expected.size());
    CHECK(difference(weights.packed(parameters.vector()), expected, after_20_steps) == "");
  }
}

}  // namespace

TEST_CASE("optimizers take Keras' steps") {
  if (tests::skipped_without("optimizers.h5")) return;
  const tests::Table table("optimizers.h5");
  std::set<std::string> missing;
  int compared = 0;
  for (const std::string& name : table.members(folder)) {
    INFO(name);
    const std::string group = folder + "/" + name, class_name = table.text(group, "optimizer");
    if (BuiltinOptimizers::names().find(class_name) == std::string::npos) {
      missing.insert(class_name);
      continue;
    }
    Optimizer optimizer = Sgd{};
    from_config(Config{}.set("class_name", class_name).set("config", without_names(table.json(group, "config"))), name,
                optimizer);
    check_case(table, name, optimizer);
    ++compared;
  }
  CHECK(compared >= 40);
  // The classes of the cases that are left out: see docs/keras-compatibility.md.
  for (const std::string& name : missing) {
    INFO(name);
    CHECK((name == "Muon" || name == "ScheduleFreeAdamW"));
  }
}

TEST_CASE("schedules give Keras' rates") {
  if (tests::skipped_without("optimizers.h5")) return;
  const tests::Table table("optimizers.h5");
  const Matrix steps = table.rows("schedules/steps");
  for (const std::string& name : table.members("schedules")) {
    if (name == "steps") continue;
    INFO(name);
    const std::string group = "schedules/" + name;
    Schedule schedule = ExponentialDecay{};
    from_config(Config{}.set("class_name", table.text(group, "class")).set("config", table.json(group, "config")), name,
                schedule);
    const Matrix expected = table.rows(group + "/float64");
    Matrix rates(steps.rows(), 1);
    for (Index i = 0; i < steps.rows(); ++i)
      rates(i) = static_cast<Scalar>(schedule.rate(static_cast<std::int64_t>(steps(i))));
    CHECK(difference(rates, expected) == "");
  }
}
