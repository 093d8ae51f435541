// Which of our optimizer's numbers an array of Keras' optimizer is, from its name.
#pragma once

#include <algorithm>
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
  std::vector<std::string> names{underscored + "_" + std::string(slot)};
  names.push_back(prefix + names[0]);
  auto add_dotted = [&](std::string_view shown) {
    names.push_back(std::string(shown) + "." + dotted);
    names.push_back(dotted + "." + std::string(shown));
  };
  add_dotted(slot);
  for (const auto& [old, current] : slot_names_of_keras_2)
    if (current == slot) add_dotted(old);
  return names;
}

/// Whether `name` is the buffer's: exactly, or behind the name of the nested model whose weight it is
/// ("inner_dense_kernel_momentum"), where no weight has that name exactly.
inline bool is_name_of(const std::string& name, const std::vector<std::string>& names, bool exactly) {
  return std::ranges::any_of(names,
                             [&](const std::string& one) { return exactly ? name == one : name.ends_with("_" + one); });
}

/// Finds what every array of `group` is in the optimizer's state, and calls `number(dataset, value)` for its numbers,
/// references to whole or real ones, and `buffer(dataset, view)` for its part of a buffer. `prefix` begins Keras' names
/// of buffers ("sequential_"). Checks that arrays and state cover each other.
template <class Number, class Buffer>
void visit_state(const FixtureFile& file, const std::string& group, const std::string& prefix, maas::Model& model,
                 Number number, Buffer buffer) {
  maas::OptimizerState& state = model.optimizer_state();
  const maas::Optimizer& optimizer = model.compile_options().optimizer;
  const auto slots = optimizer.slot_names();
  auto part = [&](std::size_t slot, const maas::ParameterEntry& entry, Index size) {
    return maas::VectorView(state.slot(static_cast<Index>(slot)).data() + entry.offset, size);
  };
  std::size_t found = 0, expected = 0;
  const bool has_means = optimizer.class_name() == "Adafactor";
  std::vector<std::string> waiting;  // Adafactor's means of rows and columns, which come before their tensor's velocity
  for (const std::string& dataset : file.children(group)) {
    const std::string path = group + "/" + dataset, class_prefix = std::string(optimizer.class_name()) + ".";
    std::string name = dataset.substr(dataset.find('-') + 1);
    if (name.starts_with(class_prefix)) name = name.substr(class_prefix.size());  // "Adam.m.dense.kernel"
    if (name == "iteration" || name == "iter") {
      number(path, state.step);
      continue;
    }
    if (name == "learning_rate") {
      number(path, state.learning_rate);
      continue;
    }
    if (name == "variable" || name == "momentum_cache") {  // Nadam's product
      REQUIRE(state.scalars.size() == 1);
      number(path, state.scalars[0]);
      continue;
    }
    // The SGD of tf_keras notes its last step even where there is no momentum, and makes no use of it.
    if (optimizer.class_name() == "SGD" && slots.empty() && name.starts_with("m.")) continue;
    if (has_means && !name.ends_with("_velocity") && !name.starts_with("v.")) {
      waiting.push_back(path);
      continue;
    }
    bool known = false;
    for (const bool exactly : {true, false}) {
      for (const maas::ParameterEntry& entry : model.network().parameters().entries())
        for (std::size_t i = 0; i < slots.size() && entry.trainable; ++i) {
          if (!is_name_of(name, names_of(prefix, entry.name, slots[i]), exactly)) continue;
          buffer(path, part(i, entry, entry.shape.size()));
          // At the start of their tensor's place; Keras has dummies for tensors of rank 0 and 1.
          for (std::size_t mean = 0; mean < waiting.size() && entry.shape.rank() >= 2; ++mean)
            buffer(waiting[mean], part(mean, entry, static_cast<Index>(file.numbers(waiting[mean]).values.size())));
          known = true;
          found += has_means ? slots.size() : 1;
          waiting.clear();
        }
      if (known) break;
    }
    INFO(path);
    CHECK(known);
  }
  for (const maas::ParameterEntry& entry : model.network().parameters().entries())
    if (entry.trainable) expected += slots.size();
  CHECK(found == expected);
}

/// Compares all arrays of `group` with the optimizer's state.
inline void check_state(Comparison& comparison, const FixtureFile& file, const std::string& group,
                        const std::string& prefix, maas::Model& model) {
  visit_state(
      file, group, prefix, model,
      [&](const std::string& dataset, auto& value) { comparison.check(dataset, static_cast<double>(value)); },
      [&](const std::string& dataset, const maas::VectorView& view) { comparison.check(dataset, view); });
}

/// Checks that all arrays of `group` are the optimizer's state, to the last bit.
inline void require_state(Comparison& comparison, const FixtureFile& file, const std::string& group,
                          maas::Model& model) {
  visit_state(
      file, group, model.name() + "_", model,
      [&](const std::string& dataset, auto& value) {
        comparison.check_equal(dataset, std::vector<double>{static_cast<double>(value)});
      },
      [&](const std::string& dataset, const maas::VectorView& view) { comparison.check_equal(dataset, view); });
}

/// Makes the optimizer's state that of `group`.
inline void set_state(const FixtureFile& file, const std::string& group, const std::string& prefix,
                      maas::Model& model) {
  visit_state(
      file, group, prefix, model,
      [&](const std::string& dataset, auto& value) {
        value = static_cast<std::remove_reference_t<decltype(value)>>(file.numbers(dataset).values.at(0));
      },
      [&](const std::string& dataset, maas::VectorView view) {
        view = file.numbers(dataset).matrix().reshaped<Eigen::RowMajor>();
      });
}

}  // namespace replay
