// The weights of a model, and those of a fixture.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "maas/maas.hpp"

namespace replay {

/// Calls `visit("dense/kernel")` for every weight in a group.
template <class Visit>
void for_each_weight(const FixtureFile& file, const std::string& group, Visit visit) {
  for (const std::string& layer : file.children(group))
    for (const std::string& weight : file.children(group + "/" + layer)) visit(layer + "/" + weight);
}

/// Whether the layer is a part of something else that the group lists: "block_dense" of "block".
inline bool is_part_of_another(const std::string& layer, const std::string& model,
                               const std::vector<std::string>& all) {
  return std::ranges::any_of(all, [&](const std::string& one) { return one != model && layer.starts_with(one + "_"); });
}

/// The model's weight of that name in a group. Keras lists what a nested model holds under its name alone
/// ("inner/beta"), maas under the layers in it: where no layer of the model is called so, the weight is the only one of
/// its own name in layers that the group does not list.
inline const maas::ParameterEntry& entry_of(const FixtureFile& file, const std::string& group, const std::string& name,
                                            const maas::Model& model) {
  const std::vector<std::string> listed = file.children(group);
  const std::string owner = name.substr(0, name.find('/')), weight = name.substr(owner.size());
  std::vector<const maas::ParameterEntry*> found, named_after_owner;
  for (const maas::ParameterEntry& entry : model.network().parameters().entries()) {
    if (entry.name == name) return entry;
    const std::string layer = entry.name.substr(0, entry.name.rfind('/'));
    if (entry.name.substr(layer.size()) != weight || std::ranges::find(listed, layer) != listed.end()) continue;
    if (layer.starts_with(owner + "_") || layer.starts_with(owner + "/")) named_after_owner.push_back(&entry);
    if (!is_part_of_another(layer, owner, listed)) found.push_back(&entry);
  }
  if (!named_after_owner.empty()) found = named_after_owner;
  INFO(name);
  REQUIRE(found.size() == 1);
  return *found[0];
}

/// Gives the model the weights of a group; checks that they are all there are.
inline void set_weights(const FixtureFile& file, const std::string& group, maas::Model& model) {
  std::size_t count = 0;
  for_each_weight(file, group, [&](const std::string& name) {
    const Numbers numbers = file.numbers(group + "/" + name);
    maas::MatrixView view = model.network().parameters().view(entry_of(file, group, name, model));
    REQUIRE(static_cast<std::size_t>(view.size()) == numbers.values.size());
    std::ranges::transform(numbers.values, view.data(), [](double x) { return static_cast<Scalar>(x); });
    ++count;
  });
  REQUIRE(count == model.network().parameters().entries().size());
}

/// Checks that the model's weights are those of a group, to the last bit.
inline void require_weights(const FixtureFile& file, const std::string& group, const maas::Model& model) {
  for_each_weight(file, group, [&](const std::string& name) {
    INFO(name);
    const maas::ConstMatrixView mine = model.network().parameters().view(entry_of(file, group, name, model));
    const Matrix theirs = file.numbers(group + "/" + name).matrix();
    REQUIRE(mine.size() == theirs.size());
    CHECK(std::equal(mine.data(), mine.data() + mine.size(), theirs.data()));
  });
}

/// Compares the model's weights with those of a group.
inline void check_weights(Comparison& comparison, const FixtureFile& file, const std::string& group,
                          const maas::Model& model) {
  for_each_weight(file, group, [&](const std::string& name) {
    comparison.check(group + "/" + name, model.network().parameters().view(entry_of(file, group, name, model)));
  });
}

}  // namespace replay
