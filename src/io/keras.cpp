// read_keras and write_keras: which form a file has.
#include "maas/io/keras.hpp"

#include <algorithm>
#include <cstring>

#include "io/hdf5_file.hpp"
#include "io/json.hpp"
#include "io/keras_archive.hpp"
#include "io/keras_config.hpp"
#include "io/keras_h5.hpp"
#include "io/keras_training.hpp"
#include "io/read_model.hpp"
#include "io/with_path.hpp"
#include "maas/core/new_file.hpp"

namespace maas::inline MAAS_ABI {

namespace {

// ---- Reading ----

bool same_bits(const ConstVectorView& a, const ConstVectorView& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}

bool same_network(const Network& a, const Network& b) {
  const auto text = [](const Network& network) { return io::write_json(io::write_network(network.graph(), "", {})); };
  return text(a) == text(b) && same_bits(a.parameters().values(), b.parameters().values());
}

bool same_state(const OptimizerState& a, const OptimizerState& b) {
  bool same = a.step == b.step && a.learning_rate == b.learning_rate && a.scalars == b.scalars &&
              a.slot_count() == b.slot_count();
  for (Index i = 0; same && i < a.slot_count(); ++i) same = same_bits(a.slot(i), b.slot(i));
  return same;
}

bool same_training(const std::optional<SavedTraining>& a, const std::optional<SavedTraining>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  if (io::write_own_training(*a) != io::write_own_training(*b)) return false;
  if (!a->state || !b->state) return a->state.has_value() == b->state.has_value();
  return same_state(*a->state, *b->state);
}

// Both parts of a combined file must be the same model: whoever reads one must not get another than who reads the
// other.
void check_second_part(const io::BytesPointer& bytes, const std::string& path, const LoadOptions& options,
                       const SavedModel& first) {
  const std::optional<std::uint64_t> end = io::hdf5_end(*bytes);
  if (!end || !bytes->has(*end, "PK\x03\x04")) return;
  const SavedModel second = io::read_archive(io::ZipReader(bytes, path), path, options);
  require<FormatError>(same_network(first.network, second.network),
                       "{}: is HDF5 and a zip archive in one, and they hold different networks", path);
  require<FormatError>(same_training(first.training, second.training),
                       "{}: is HDF5 and a zip archive in one, and they hold different training settings or state",
                       path);
}

void require_self_test(const SavedModel& saved) {
  if (!saved.info.self_test) return;
  const SelfTest& test = *saved.info.self_test;
  const SelfTestResult worst = run_self_test(test, saved.network);
  // A file of the other precision may expect more digits than this one has.
  require<ConfigError>(worst.difference <= std::max(test.tolerance, SelfTest{}.tolerance),
                       "the self-test fails: expected {} as number {} of output {} for sample {} (counted from 0), got "
                       "{}; the file is damaged, or this program computes otherwise than the one that wrote it",
                       worst.expected, worst.number, worst.output, worst.sample, worst.got);
}

// ---- Writing ----

// What a file is made of.
struct Form {
  bool hdf5 = false, archive = false;
  bool h5_for_keras_2 = false;
  bool archive_for_all = false;
};

Form form_of(const std::string& path, KerasProfile profile) {
  const bool archive = path.ends_with(".keras");
  switch (profile) {
    case KerasProfile::automatic:
      return {.hdf5 = !archive, .archive = archive};
    case KerasProfile::any:
      return {.hdf5 = !archive, .archive = archive, .archive_for_all = true};
    case KerasProfile::keras_2:
      return {.hdf5 = !archive, .archive = archive, .h5_for_keras_2 = true, .archive_for_all = true};
    case KerasProfile::keras_3:
      require<ConfigError>(archive, "Keras 3 cannot resume from any .h5; give the file a name that ends in .keras");
      return {.archive = true};
    case KerasProfile::combined:
      return {.hdf5 = true, .archive = true, .h5_for_keras_2 = true, .archive_for_all = true};
  }
  fail<ConfigError>("unknown profile");
}

using Warnings = std::vector<std::string>;

// What maas itself will not find, and what Keras will not in the parts of the file, once each.
Warnings write(const std::string& temporary, const std::string& path, const ModelView& model,
               const SaveOptions& options) {
  const Form form = form_of(path, options.profile);
  Warnings warnings;
  const auto add = [&](const Warnings& more) {
    for (const std::string& warning : more)
      if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(warning);
  };
  if (form.hdf5) {
    io::Hdf5Writer writer(temporary, path);
    add(io::write_h5(writer, model, options.include_optimizer, form.h5_for_keras_2));
    writer.close();
  }
  if (form.archive) {
    io::ZipWriter writer(temporary, path);
    add(io::write_archive(writer, path, model, options.include_optimizer, form.archive_for_all));
  }
  if (model.training && options.include_optimizer) add(io::warnings_of_own_training(*model.training));
  return warnings;
}

}  // namespace

SavedModel io::read_model(const BytesPointer& bytes, const std::string& path, const LoadOptions& options) {
  if (is_hdf5(*bytes)) {
    SavedModel saved = read_h5(Hdf5Reader(bytes, path), options);
    check_second_part(bytes, path, options, saved);
    return saved;
  }
  require<FormatError>(is_zip(*bytes), "{}: is neither an HDF5 file nor a zip archive (its first bytes are others)",
                       path);
  return read_archive(ZipReader(bytes, path), path, options);
}

SavedModel read_keras(const std::string& path, const LoadOptions& options) {
  return io::with_path(path, [&] {
    SavedModel saved = io::read_model(io::open_bytes(path), path, options);
    if (options.self_test) require_self_test(saved);
    return saved;
  });
}

std::vector<std::string> write_keras_view(const std::string& path, const ModelView& model, const SaveOptions& options) {
  return io::with_path(path, [&] {
    model.network.graph().require_complete("saving");
    NewFile file(path);
    Warnings warnings = write(file.temporary(), path, model, options);
    file.commit();
    return warnings;
  });
}

std::vector<std::string> write_keras(const std::string& path, const SavedModel& model, const SaveOptions& options) {
  std::optional<SavedTraining> settings;
  const OptimizerState* state = nullptr;
  if (model.training) {
    const SavedTraining& training = *model.training;
    settings = SavedTraining{.optimizer = training.optimizer,
                             .loss = training.loss,
                             .metrics = training.metrics,
                             .state = {},
                             .weighted_metrics = training.weighted_metrics,
                             .outputs = training.outputs};
    if (training.state) state = &*training.state;
  }
  return write_keras_view(path, ModelView{model.network, model.name, std::move(settings), state, model.info}, options);
}

}  // namespace maas::inline MAAS_ABI
