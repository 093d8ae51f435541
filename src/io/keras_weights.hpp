// Where a network's weights stand in a file: by layer name in model.h5, by class and number in the stores of Keras 3.
#pragma once

#include <string>
#include <vector>

#include "io/hdf5_file.hpp"
#include "io/keras_config.hpp"
#include "io/keras_state.hpp"

namespace maas::inline MAAS_ABI::io {

/// A weight, and the dataset that holds it.
struct StoredWeight {
  const ParameterEntry* entry = nullptr;
  std::string dataset;
};
/// All weights of one group of a file.
struct StoredLayer {
  std::string name;
  std::vector<StoredWeight> weights{};
  std::string misfit{};  ///< what keeps them from being read, in words; empty if nothing does
};

/// All weights of a group in Keras' order: in all of its layers those that training moves, then in all the others.
std::vector<const ParameterEntry*> entries_of(const WeightGroup& group, const ParameterLayout& layout);
/// The weights that training moves, in the order of the groups.
Variables variables_of(const std::vector<WeightGroup>& groups, const ParameterLayout& layout);
/// One group a layer, in Keras' order.
std::vector<WeightGroup> weight_groups(const Graph& graph);

/// The version that model.h5 states: its JSON is in that style, whatever reads it.
inline constexpr const char* h5_version = "2.15.0";

/// How the layers of a file meet those of a network.
enum class Meeting {
  by_name_or_order,  ///< by name where all names are there, else one after the other
  by_order,          ///< one after the other, as Keras does
  by_name            ///< by name, where both have one; all others stay out of it
};

/// Finds the weights of `groups` in what stands under `root`: "model_weights", or the whole file where it is "". Throws
/// FormatError where the numbers of layers differ.
std::vector<StoredLayer> find_in_h5(const Hdf5Reader& file, const std::string& root,
                                    const std::vector<WeightGroup>& groups, const ParameterLayout& layout,
                                    Meeting meeting);
/// The dimensions of the first weight there; nothing if there is none.
std::optional<std::vector<Index>> first_kernel_of_h5(const Hdf5Reader& file);

/// Whether a file is a store: the weights of Keras 2.12 or later, alone or out of an archive.
bool is_store(const Hdf5Reader& file);
/// Finds the weights of a model in a store, by the places that Keras gives its parts; `by_name`: by the names that
/// Keras 3.5 and later note there.
std::vector<StoredLayer> find_in_store(const Hdf5Reader& file, const FilePart& root, const Graph& graph,
                                       const ParameterLayout& layout, bool by_name = false);
/// The dimensions of the first layer's first weight; nothing if there is none.
std::optional<std::vector<Index>> first_kernel_of_store(const Hdf5Reader& file);

/// Throws FormatError with the first misfit, before any memory is taken for weights.
void require_fit(const Hdf5Reader& file, const std::vector<StoredLayer>& layers);
/// Reads the weights of all layers without a misfit.
void read_weights(const Hdf5Reader& file, const std::vector<StoredLayer>& layers, Parameters& weights);

/// Writes weights as model.h5 has them, under `root` as above.
void write_h5_weights(Hdf5Writer& file, const std::string& root, const Network& network);
/// Writes weights as a store has them; `for_2_12`: with second names for Keras 2.12 to 2.14, which counted otherwise.
void write_store_weights(Hdf5Writer& file, const Network& network, bool for_2_12);

}  // namespace maas::inline MAAS_ABI::io
