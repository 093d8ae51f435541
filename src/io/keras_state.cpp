#include "io/keras_state.hpp"

#include <algorithm>
#include <cmath>

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* keras_group = "optimizer_weights";
constexpr const char* store_group = "optimizer/vars";
constexpr const char* own_group = "maas/optimizer";

struct StoredArray {
  std::string path;
  std::vector<Index> dimensions;
};

// One slot's part for one weight, and its shape in a file; without a slot it is a single number that means nothing.
struct Place {
  Index slot = -1;
  const ParameterEntry* variable = nullptr;
  std::vector<Index> dimensions{};
};

// These keep two slots a weight side by side; Ftrl always has.
bool interleaves(std::string_view class_name, SlotOrder order) {
  if (class_name == "Ftrl") return true;
  if (order == SlotOrder::grouped) return false;
  for (std::string_view name : {"Adam", "AdamW", "Adamax", "Nadam", "Adadelta", "Lamb"})
    if (class_name == name) return true;
  return false;
}

// Adafactor's means of the rows (0) and columns (1) of a weight lie at the start of its place; weights of one axis have
// none, but Keras 3 keeps a number for each.
Place mean_of(const ParameterEntry& variable, Index slot, Index which) {
  if (variable.shape.rank() < 2) return {};
  Place place{slot, &variable, dimensions_of(variable.shape)};
  place.dimensions.erase(place.dimensions.end() - 1 - which);
  return place;
}

// What the arrays after the counters hold, one after the other.
std::vector<Place> slot_places(const Optimizer& optimizer, const Variables& variables, SlotOrder order) {
  const OptimizerOptions& options = optimizer.options();
  const Index shared = Index{options.use_ema} + Index{options.gradient_accumulation_steps.has_value()};
  const Index count = static_cast<Index>(optimizer.slot_names().size());
  std::vector<Place> places;
  auto add_group = [&](Index first, Index together) {
    for (const ParameterEntry* variable : variables)
      for (Index slot = first; slot < first + together; ++slot)
        places.push_back({slot, variable, dimensions_of(variable->shape)});
  };
  Index slot = 0;
  while (slot < shared) add_group(slot++, 1);
  if (optimizer.class_name() == Adafactor::class_name) {
    for (const ParameterEntry* variable : variables) {
      places.push_back(mean_of(*variable, slot, 0));
      places.push_back(mean_of(*variable, slot + 1, 1));
      places.push_back({slot + 2, variable, dimensions_of(variable->shape)});
    }
    return places;
  }
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
    if (arrays[i].dimensions != places[i].dimensions) return false;
  return true;
}

// A counter of steps; anything but a whole number of at least 0 is none.
std::optional<std::int64_t> step_of(double number) {
  if (!(number >= 0) || number != std::floor(number) || number > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// All that model.h5 holds of an optimizer, in order.
std::vector<StoredArray> arrays_of_h5(const Hdf5Reader& file) {
  std::vector<StoredArray> arrays;
  if (!file.has_group(keras_group)) return arrays;
  const auto names = file.names(keras_group, "weight_names");
  if (!names) return arrays;
  for (const std::string& name : *names) {
    // Keras 2.0 gave some a name from the root, which HDF5 takes as such.
    const std::string path = name.starts_with('/') ? name.substr(1) : std::string(keras_group) + "/" + name;
    arrays.push_back({path, file.dataset(path).dimensions});
  }
  return arrays;
}

// The same of a store of Keras 3, which counts them; up to the first that is missing.
std::vector<StoredArray> arrays_of_store(const Hdf5Reader& file) {
  std::vector<StoredArray> arrays;
  if (!file.has_group(store_group)) return arrays;
  const std::vector<std::string> members = file.members(store_group);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string number = std::to_string(i), path = store_group + ("/" + number);
    if (!std::ranges::binary_search(members, number)) break;  // they come in alphabetical order
    arrays.push_back({path, file.dataset(path).dimensions});
  }
  return arrays;
}

// Some versions keep arrays that nothing reads: moments of SGD without momentum, and Adam's largest velocities as
// single zeros.
void drop_idle_arrays(const Optimizer& optimizer, std::size_t variables, std::vector<StoredArray>& arrays) {
  const std::size_t slots = optimizer.slot_names().size();
  const std::string_view name = optimizer.class_name();
  // Averages of the weights, if any, stand before what there is of momenta.
  const std::size_t averages = optimizer.options().use_ema ? 1 : 0;
  if (name == "SGD" && slots == averages && arrays.size() == (slots + 1) * variables) arrays.resize(slots * variables);
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

namespace {

class StateReader {
 public:
  StateReader(const Hdf5Reader& file, const Optimizer& optimizer, Index size, const Variables& variables)
      : file_(file), optimizer_(optimizer), variables_(variables), state_(optimizer, size) {}

  /// Why it does not fit; nothing if it was read.
  std::optional<std::string> read(const std::vector<StoredArray>& all, SlotOrder order, bool has_rate) {
    split(all, has_rate);
    if (auto why = read_numbers(has_rate)) return why;
    drop_idle_arrays(optimizer_, variables_.size(), arrays_);
    if (arrays_.empty()) return std::nullopt;  // compiled, not trained
    std::vector<Place> places = slot_places(optimizer_, variables_, order);
    if (!fit(places, arrays_)) {
      const SlotOrder other = order == SlotOrder::grouped ? SlotOrder::interleaved : SlotOrder::grouped;
      places = slot_places(optimizer_, variables_, other);
    }
    // Keras 2 keeps nothing in the place of means that a weight has not.
    if (!fit(places, arrays_)) std::erase_if(places, [](const Place& place) { return place.slot < 0; });
    if (!fit(places, arrays_))
      return fmt::format("expected {} arrays of the shapes of the weights for {}, got {} that do not fit",
                         places.size(), optimizer_.class_name(), arrays_.size());
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i].slot >= 0)
        file_.read(arrays_[i].path, arrays_[i].dimensions,
                   state_.slot(places[i].slot).data() + places[i].variable->offset);
    return std::nullopt;
  }

  OptimizerState& state() { return state_; }

 private:
  // Numbers stand anywhere among the arrays, but for Adafactor's, which are arrays of some weights.
  void split(const std::vector<StoredArray>& all, bool has_rate) {
    const bool by_place = optimizer_.class_name() == Adafactor::class_name;
    const std::size_t counters = has_rate && !optimizer_.learning_rate().schedule() ? 2 : 1;
    for (std::size_t i = 0; i < all.size(); ++i)
      (all[i].dimensions.empty() && (!by_place || i < counters) ? numbers_ : arrays_).push_back(all[i]);
  }

  std::optional<std::string> read_numbers(bool has_rate) {
    std::size_t next = 0;
    if (next < numbers_.size()) {
      const double number = file_.read_number(numbers_[next++].path);
      const auto step = step_of(number);
      if (!step) return fmt::format("{} is no number of steps", number);
      state_.step = *step;
    }
    if (const auto& schedule = optimizer_.learning_rate().schedule())
      state_.learning_rate = schedule->rate(state_.step);
    else if (has_rate && next < numbers_.size())
      state_.learning_rate = file_.read_number(numbers_[next++].path);
    if (!std::isfinite(state_.learning_rate)) return "the learning rate is not finite";
    for (double& scalar : state_.scalars)
      if (next < numbers_.size())
        scalar = file_.read_number(numbers_[next++].path);
      else if (const Nadam* nadam = optimizer_.as<Nadam>())
        scalar = nadam_product(*nadam, state_.step);
    return std::nullopt;
  }

  const Hdf5Reader& file_;
  const Optimizer& optimizer_;
  const Variables& variables_;
  OptimizerState state_;
  std::vector<StoredArray> numbers_, arrays_;
};

std::optional<OptimizerState> read_state(const Hdf5Reader& file, const std::vector<StoredArray>& all,
                                         const Optimizer& optimizer, Index size, const Variables& variables,
                                         SlotOrder order, bool has_rate, Reading& reading) {
  if (all.empty()) return std::nullopt;
  StateReader reader(file, optimizer, size, variables);
  if (const auto why = reader.read(all, order, has_rate)) {
    reading.warn("optimizer state: " + *why + "; training would start with a fresh one");
    return std::nullopt;
  }
  return std::move(reader.state());
}

}  // namespace

std::optional<OptimizerState> read_keras_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                               const Variables& variables, SlotOrder order, bool keras_3,
                                               Reading& reading) {
  return read_state(file, arrays_of_h5(file), optimizer, size, variables, order, keras_3, reading);
}

std::optional<OptimizerState> read_store_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                               const Variables& variables, Reading& reading) {
  const std::vector<StoredArray> all = arrays_of_store(file);
  // Keras 2 keeps no rate there.
  const bool has_rate = all.size() > 1 && all[0].dimensions.empty() && all[1].dimensions.empty();
  return read_state(file, all, optimizer, size, variables, SlotOrder::interleaved, has_rate, reading);
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

namespace {

void write_slot(Hdf5Writer& file, const std::string& path, const std::vector<Index>& dimensions,
                const OptimizerState& state, Index slot, const ParameterEntry& variable) {
  file.floats(path, dimensions, state.slot(slot).data() + variable.offset);
}

}  // namespace

void write_store_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                       const Variables& variables, bool with_rate) {
  file.group(store_group);
  Index next = 0;
  auto path = [&] { return store_group + ("/" + std::to_string(next++)); };
  const auto number = [&](double value) {
    const Scalar one = static_cast<Scalar>(value);
    file.floats(path(), {}, &one);
  };
  file.integer(path(), state.step);
  if (with_rate) number(next_rate(optimizer, state));
  for (const Place& place : slot_places(optimizer, variables, SlotOrder::interleaved)) {
    if (place.slot >= 0)
      write_slot(file, path(), place.dimensions, state, place.slot, *place.variable);
    else
      number(0);
  }
  for (double scalar : state.scalars) number(scalar);
}

namespace {

std::string own_slot(const Optimizer& optimizer, std::size_t slot, const ParameterEntry& variable) {
  return own_group + ("/slots/" + std::string(optimizer.slot_names()[slot])) + "/" + variable.name;
}

}  // namespace

bool has_own_slots(const Hdf5Reader& file) { return file.has_group(own_group + std::string("/slots")); }

std::optional<OptimizerState> read_own_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                             const Variables& variables, std::optional<OptimizerState> keras) {
  const std::string group = own_group;
  if (!file.has_group(group)) return std::nullopt;
  const bool has_slots = has_own_slots(file);
  if (!has_slots && !optimizer.slot_names().empty() && !variables.empty() && !keras) return std::nullopt;
  OptimizerState state = keras && !has_slots ? std::move(*keras) : OptimizerState(optimizer, size);
  const double number = file.read_number(group + "/iteration");
  const auto step = step_of(number);
  require<FormatError>(step.has_value(), "{}: {}/iteration: expected a number of steps, got {}", file.path(), group,
                       number);
  state.step = *step;
  state.learning_rate = file.read_number(group + "/learning_rate");
  for (std::size_t i = 0; i < state.scalars.size(); ++i)
    state.scalars[i] = file.read_number(group + "/numbers/" + std::string(optimizer.scalar_names()[i]));
  if (!has_slots) return state;
  for (std::size_t slot = 0; slot < optimizer.slot_names().size(); ++slot)
    for (const ParameterEntry* variable : variables)
      file.read(own_slot(optimizer, slot, *variable), dimensions_of(variable->shape),
                state.slot(static_cast<Index>(slot)).data() + variable->offset);
  return state;
}

void write_own_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                     const Variables& variables, bool with_slots) {
  const std::string group = own_group;
  file.group(group);
  file.integer(group + "/iteration", state.step);
  file.real(group + "/learning_rate", state.learning_rate);
  if (!state.scalars.empty()) file.group(group + "/numbers");
  for (std::size_t i = 0; i < state.scalars.size(); ++i)
    file.real(group + "/numbers/" + std::string(optimizer.scalar_names()[i]), state.scalars[i]);
  if (!with_slots) return;
  for (std::size_t slot = 0; slot < optimizer.slot_names().size(); ++slot)
    for (const ParameterEntry* variable : variables) {
      const std::string path = own_slot(optimizer, slot, *variable);
      file.group(path.substr(0, path.rfind('/')));
      write_slot(file, path, dimensions_of(variable->shape), state, static_cast<Index>(slot), *variable);
    }
}

}  // namespace maas::inline MAAS_ABI::io
