#include "io/keras_state.hpp"

#include <algorithm>
#include <cmath>

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* keras_group = "optimizer_weights";
constexpr const char* own_group = "maas_optimizer_weights";

struct StoredArray {
  std::string path;
  std::vector<Index> dimensions;
};

// One slot's part for one weight.
struct Place {
  Index slot = 0;
  const ParameterEntry* variable = nullptr;
};

std::vector<Index> dimensions_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

// These keep two slots a weight side by side; Ftrl always has.
bool interleaves(std::string_view class_name, SlotOrder order) {
  if (class_name == "Ftrl") return true;
  if (order == SlotOrder::grouped) return false;
  for (std::string_view name : {"Adam", "AdamW", "Adamax", "Nadam", "Adadelta", "Lamb"})
    if (class_name == name) return true;
  return false;
}

// What the arrays after the counters hold, one after the other.
std::vector<Place> slot_places(const Optimizer& optimizer, const Variables& variables, SlotOrder order) {
  const OptimizerOptions& options = optimizer.options();
  const Index shared = Index{options.use_ema} + Index{options.gradient_accumulation_steps.has_value()};
  const Index count = static_cast<Index>(optimizer.slot_names().size());
  std::vector<Place> places;
  auto add_group = [&](Index first, Index together) {
    for (const ParameterEntry* variable : variables)
      for (Index slot = first; slot < first + together; ++slot) places.push_back({slot, variable});
  };
  Index slot = 0;
  while (slot < shared) add_group(slot++, 1);
  if (interleaves(optimizer.class_name(), order)) {
    add_group(slot, 2);
    slot += 2;
  }
  while (slot < count) add_group(slot++, 1);
  return places;
}

bool fit(const std::vector<Place>& places, const std::vector<StoredArray>& arrays) {
  if (places.size() != arrays.size()) return false;
  for (std::size_t i = 0; i < places.size(); ++i)
    if (arrays[i].dimensions != dimensions_of(places[i].variable->shape)) return false;
  return true;
}

// A counter of steps; anything but a whole number of at least 0 is none.
std::optional<std::int64_t> step_of(double number) {
  if (!(number >= 0) || number != std::floor(number) || number > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// Splits what a file holds into single numbers and arrays.
void list_arrays(const Hdf5Reader& file, std::vector<StoredArray>& numbers, std::vector<StoredArray>& arrays) {
  const auto names = file.names(keras_group, "weight_names");
  if (!names) return;
  for (const std::string& name : *names) {
    // Keras 2.0 gave some a name from the root, which HDF5 takes as such.
    StoredArray array{name.starts_with('/') ? name.substr(1) : std::string(keras_group) + "/" + name, {}};
    array.dimensions = file.dataset(array.path).dimensions;
    (array.dimensions.empty() ? numbers : arrays).push_back(std::move(array));
  }
}

// Some versions keep arrays that nothing reads: moments of SGD without momentum, and Adam's largest velocities as
// single zeros.
void drop_idle_arrays(const Optimizer& optimizer, std::size_t variables, std::vector<StoredArray>& arrays) {
  const std::size_t slots = optimizer.slot_names().size();
  const std::string_view name = optimizer.class_name();
  if (name == "SGD" && slots == 0 && arrays.size() == variables) arrays.clear();
  if (name == "Adam" && slots == 2 && arrays.size() == 3 * variables) arrays.resize(2 * variables);
}

// The product of Nadam's momenta after so many steps, which the files of Keras 2.11 to 2.15 leave out.
double nadam_product(const Nadam& nadam, std::int64_t steps) {
  constexpr std::int64_t settled = 1000;  // 0.96^1000 is 0 beside 1
  double product = 1;
  for (std::int64_t t = 1; t <= std::min(steps, settled); ++t)
    product *= nadam.beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t)));
  return steps > settled ? product * std::pow(nadam.beta_1, static_cast<double>(steps - settled)) : product;
}

}  // namespace

std::optional<OptimizerState> read_keras_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                               const Variables& variables, SlotOrder order, bool keras_3,
                                               Reading& reading) {
  if (!file.has_group(keras_group)) return std::nullopt;
  auto leave_out = [&](const std::string& why) {
    reading.warn("optimizer state: " + why + "; training would start with a fresh one");
    return std::nullopt;
  };
  std::vector<StoredArray> numbers, arrays;
  list_arrays(file, numbers, arrays);
  if (numbers.empty() && arrays.empty()) return std::nullopt;
  if (optimizer.class_name() == Adafactor::class_name) return leave_out("that of Adafactor is not read");
  OptimizerState state(optimizer, size);
  std::size_t next = 0;  // of the single numbers
  if (next < numbers.size()) {
    const double number = file.read_number(numbers[next++].path);
    const auto step = step_of(number);
    if (!step) return leave_out(fmt::format("{} is no number of steps", number));
    state.step = *step;
  }
  if (const auto& schedule = optimizer.learning_rate().schedule())
    state.learning_rate = schedule->rate(state.step / optimizer.options().batches_a_step());
  else if (keras_3 && next < numbers.size())
    state.learning_rate = file.read_number(numbers[next++].path);
  if (!std::isfinite(state.learning_rate)) return leave_out("the learning rate is not finite");
  for (double& scalar : state.scalars)
    if (next < numbers.size())
      scalar = file.read_number(numbers[next++].path);
    else if (const Nadam* nadam = optimizer.as<Nadam>())
      scalar = nadam_product(*nadam, state.step);

  drop_idle_arrays(optimizer, variables.size(), arrays);
  if (arrays.empty()) return state;  // compiled, not trained
  std::vector<Place> places = slot_places(optimizer, variables, order);
  if (!fit(places, arrays)) {
    const SlotOrder other = order == SlotOrder::grouped ? SlotOrder::interleaved : SlotOrder::grouped;
    places = slot_places(optimizer, variables, other);
  }
  if (!fit(places, arrays))
    return leave_out(fmt::format("expected {} arrays of the shapes of the weights for {}, got {} that do not fit",
                                 places.size(), optimizer.class_name(), arrays.size()));
  for (std::size_t i = 0; i < places.size(); ++i)
    file.read(arrays[i].path, arrays[i].dimensions, state.slot(places[i].slot).data() + places[i].variable->offset);
  return state;
}

namespace {

// The slots' names in files of tf.keras 2.0 to 2.10, in the order of our own; nothing for an optimizer that is not
// there, or has another formula.
std::vector<std::string> keras_2_slots(const Optimizer& optimizer) {
  const std::string_view name = optimizer.class_name();
  std::vector<std::string> slots;
  for (std::string_view slot : optimizer.slot_names()) {
    if (name == "RMSprop")
      slots.emplace_back(slot == "velocity" ? "rms" : slot == "average_gradient" ? "mg" : "momentum");
    else if (name == "Adam" || name == "Adamax")
      slots.emplace_back(slot == "momentum" ? "m" : slot == "velocity_hat" ? "vhat" : "v");
    else
      slots.emplace_back(slot == "accumulated_grad"        ? "accum_grad"
                         : slot == "accumulated_delta_var" ? "accum_var"
                                                           : slot);
  }
  return slots;
}

void check_keras_2_resumes(const Optimizer& optimizer) {
  const std::string_view name = optimizer.class_name();
  bool known = false;
  for (std::string_view one : {"SGD", "GradientDescent", "RMSprop", "Adam", "Adamax", "Adagrad", "Adadelta"})
    known = known || name == one;
  require<ConfigError>(known, "optimizer {}: Keras 2 cannot resume with it; save for any version of Keras instead",
                       name);
  const OptimizerOptions& options = optimizer.options();
  require<ConfigError>(
      !options.use_ema && !options.gradient_accumulation_steps && !options.weight_decay && !options.loss_scale_factor,
      "optimizer {}: Keras 2 cannot resume with weight_decay, use_ema, loss_scale_factor or "
      "gradient_accumulation_steps; save for any version of Keras instead",
      name);
}

}  // namespace

void write_keras_2_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                         const Variables& variables) {
  check_keras_2_resumes(optimizer);
  const std::string prefix =
      optimizer.class_name() == GradientDescent::class_name ? std::string("SGD") : std::string(optimizer.class_name());
  std::vector<std::string> names{prefix + "/iter:0"};
  const std::vector<std::string> slots = keras_2_slots(optimizer);
  for (const std::string& slot : slots)
    for (const ParameterEntry* variable : variables) names.push_back(prefix + "/" + variable->name + "/" + slot + ":0");
  auto path = [&](std::size_t i) { return std::string(keras_group) + "/" + names[i]; };
  file.group(keras_group);
  file.names(keras_group, "weight_names", names);
  file.group(std::string(keras_group) + "/" + prefix);
  file.integer(path(0), state.step);
  std::size_t next = 1;
  for (std::size_t slot = 0; slot < slots.size(); ++slot)
    for (const ParameterEntry* variable : variables) {
      file.group(std::string(keras_group) + "/" + prefix + "/" + variable->name);
      file.floats(path(next++), dimensions_of(variable->shape),
                  state.slot(static_cast<Index>(slot)).data() + variable->offset);
    }
}

std::optional<OptimizerState> read_own_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                             const Variables& variables) {
  const std::string group = own_group;
  if (!file.has_group(group)) return std::nullopt;
  OptimizerState state(optimizer, size);
  const double number = file.read_number(group + "/iteration");
  const auto step = step_of(number);
  require<FormatError>(step.has_value(), "{}: {}/iteration: expected a number of steps, got {}", file.path(), group,
                       number);
  state.step = *step;
  state.learning_rate = file.read_number(group + "/learning_rate");
  for (std::size_t i = 0; i < state.scalars.size(); ++i)
    state.scalars[i] = file.read_number(group + "/numbers/" + std::string(optimizer.scalar_names()[i]));
  const std::vector<std::string_view> slots = optimizer.slot_names();
  for (std::size_t slot = 0; slot < slots.size(); ++slot)
    for (const ParameterEntry* variable : variables)
      file.read(group + "/slots/" + std::string(slots[slot]) + "/" + variable->name, dimensions_of(variable->shape),
                state.slot(static_cast<Index>(slot)).data() + variable->offset);
  return state;
}

void write_own_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                     const Variables& variables) {
  const std::string group = own_group;
  file.group(group);
  file.integer(group + "/iteration", state.step);
  file.real(group + "/learning_rate", state.learning_rate);
  if (!state.scalars.empty()) file.group(group + "/numbers");
  for (std::size_t i = 0; i < state.scalars.size(); ++i)
    file.real(group + "/numbers/" + std::string(optimizer.scalar_names()[i]), state.scalars[i]);
  const std::vector<std::string_view> slots = optimizer.slot_names();
  for (std::size_t slot = 0; slot < slots.size(); ++slot)
    for (const ParameterEntry* variable : variables) {
      const std::string path = group + "/slots/" + std::string(slots[slot]) + "/" + variable->name;
      file.group(path.substr(0, path.rfind('/')));
      file.floats(path, dimensions_of(variable->shape), state.slot(static_cast<Index>(slot)).data() + variable->offset);
    }
}

}  // namespace maas::inline MAAS_ABI::io
