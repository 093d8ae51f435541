// Which of our optimizer's numbers an array of Keras' optimizer is, from its name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "maas/maas.hpp"

namespace replay {

/// Keras 2's names of buffers, and Keras 3's, which are ours. "v" is Adam's velocity, or Adamax' norm before 2.11.
inline constexpr std::pair<std::string_view, std::string_view> slot_names_of_keras_2[] = {
    {"m", "momentum"},
    {"v", "velocity"},
    {"vhat", "velocity_hat"},
    {"rms", "velocity"},
    {"mg", "average_gradient"},
    {"accum_grad", "accumulated_grad"},
    {"u", "norm"},
    {"v", "norm"},
    {"accum_var", "accumulated_delta_var"}};

/// All names under which the buffer `slot` of the weight "dense/kernel" may stand: "sequential_dense_kernel_momentum",
/// "m.dense.kernel", "dense.kernel.m".
inline std::vector<std::string> names_of(const std::string& prefix, const std::string& weight, std::string_view slot) {
  std::string underscored = weight, dotted = weight;
  std::replace(underscored.begin(), underscored.end(), '/', '_');
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  std::vector<std::string> names{prefix + underscored + "_" + std::string(slot)};
  auto add_dotted = [&](std::string_view shown) {
    names.push_back(std::string(shown) + "." + dotted);
    names.push_back(dotted + "." + std::string(shown));
  };
  add_dotted(slot);
  for (const auto& [old, current] : slot_names_of_keras_2)
    if (current == slot) add_dotted(old);
  return names;
}

/// Adafactor's means of rows or columns, at the start of their tensor's place; Keras has dummies for rank 0 and 1.
inline void check_means(Comparison& comparison, const FixtureFile& file, const std::string& path,
                        const maas::ConstVectorView& slot, const maas::ParameterEntry& entry) {
  if (entry.shape.rank() < 2) {
    CHECK(file.numbers(path).dimensions.empty());
    return;
  }
  const Index count = static_cast<Index>(file.numbers(path).values.size());
  comparison.check(path, maas::ConstVectorView(slot.data() + entry.offset, count));
}

/// Compares all arrays of `group` with the optimizer's state. `prefix` begins Keras' names of buffers ("sequential_").
inline void check_state(Comparison& comparison, const FixtureFile& file, const std::string& group,
                        const std::string& prefix, const maas::Model& model) {
  const maas::OptimizerState& state = model.optimizer_state();
  const maas::Optimizer& optimizer = model.compile_options().optimizer;
  const auto slots = optimizer.slot_names();
  std::size_t found = 0;
  std::vector<std::string> waiting;  // Adafactor's row and column means, which come before their tensor's velocity
  for (const std::string& dataset : file.children(group)) {
    const std::string name = dataset.substr(dataset.find('-') + 1), path = group + "/" + dataset;
    if (name == "iteration" || name == "iter") {
      comparison.check(path, static_cast<double>(state.step));
      continue;
    }
    if (name == "learning_rate") {
      comparison.check(path, state.learning_rate);
      continue;
    }
    if (name == "variable" || name == "momentum_cache") {  // Nadam's product
      REQUIRE(state.scalars.size() == 1);
      comparison.check(path, state.scalars[0]);
      continue;
    }
    if (optimizer.class_name() == "Adafactor" && !name.ends_with("_velocity")) {
      waiting.push_back(path);
      continue;
    }
    bool known = false;
    for (const maas::ParameterEntry& entry : model.network().parameters().entries())
      for (std::size_t i = 0; i < slots.size() && entry.trainable; ++i) {
        const auto names = names_of(prefix, entry.name, slots[i]);
        if (std::ranges::find(names, name) == names.end()) continue;
        comparison.check(
            path, maas::ConstVectorView(state.slot(static_cast<Index>(i)).data() + entry.offset, entry.shape.size()));
        for (std::size_t mean = 0; mean < waiting.size(); ++mean)
          check_means(comparison, file, waiting[mean], state.slot(static_cast<Index>(mean)), entry);
        known = true;
        found += 1 + waiting.size();
        waiting.clear();
      }
    INFO(path);
    CHECK(known);
  }
  std::size_t expected = 0;
  for (const maas::ParameterEntry& entry : model.network().parameters().entries())
    if (entry.trainable) expected += slots.size();
  CHECK(found == expected);
}

}  // namespace replay
