#include "recipe/callbacks.hpp"

#include "maas/model/checkpoint.hpp"
#include "recipe/parts.hpp"

namespace maas::inline MAAS_ABI {

namespace {

constexpr std::string_view better_names[] = {"auto", "min", "max"};

}  // namespace

Config to_config(Better better) { return better_names[static_cast<std::size_t>(better)]; }

void from_config(const Config& config, std::string_view where, Better& better) {
  for (std::size_t i = 0; i < std::size(better_names); ++i)
    if (config.as_string(where) == better_names[i]) {
      better = static_cast<Better>(i);
      return;
    }
  fail<ConfigError>("{}: expected auto, min or max, got \"{}\"", where, config.as_string(where));
}

namespace recipe {

namespace {

// What of a callback a recipe may set: its fields, beside the struct that has them.

struct EarlyStoppingKeys {
  static constexpr std::string_view class_name = "EarlyStopping";
  EarlyStopping value = {};
  static void fields(auto& self, auto&& field) {
    field("monitor", self.value.monitor);
    field("min_delta", self.value.min_delta);
    field("patience", self.value.patience);
    field("mode", self.value.mode);
    field("baseline", self.value.baseline);
    field("restore_best_weights", self.value.restore_best_weights);
    field("start_from_epoch", self.value.start_from_epoch);
  }
};

struct ReduceKeys {
  static constexpr std::string_view class_name = "ReduceLROnPlateau";
  ReduceLROnPlateau value = {};
  static void fields(auto& self, auto&& field) {
    field("monitor", self.value.monitor);
    field("factor", self.value.factor);
    field("patience", self.value.patience);
    field("mode", self.value.mode);
    field("min_delta", self.value.min_delta);
    field("cooldown", self.value.cooldown);
    field("min_lr", self.value.min_lr);
  }
};

struct TerminateKeys {
  static constexpr std::string_view class_name = "TerminateOnNaN";
  TerminateOnNaN value = {};
  static void fields(auto& self, auto&& field) { field("raise_error", self.value.raise_error); }
};

struct LoggerKeys {
  static constexpr std::string_view class_name = "CSVLogger";
  CSVLogger value = {};
  static void fields(auto& self, auto&& field) {
    field("filename", self.value.filename);
    field("separator", self.value.separator);
    field("append", self.value.append);
  }
};

struct AverageKeys {
  static constexpr std::string_view class_name = "SwapEMAWeights";
  SwapEMAWeights value = {};
  static void fields(auto& self, auto&& field) { field("swap_on_epoch", self.value.swap_on_epoch); }
};

struct CheckpointKeys {
  static constexpr std::string_view class_name = "ModelCheckpoint";
  ModelCheckpoint value = {};
  static void fields(auto& self, auto&& field) {
    field("filepath", self.value.filepath);
    field("monitor", self.value.monitor);
    field("save_best_only", self.value.save_best_only);
    field("mode", self.value.mode);
    field("save_freq", self.value.save_freq);
    field("initial_value_threshold", self.value.initial_value_threshold);
  }
};

template <class Keys>
Callback make_callback(const Config& fields, const std::string& folder) {
  auto value = read_config<Keys>(fields).value;
  if constexpr (requires { value.filename; }) {
    require<ConfigError>(!value.filename.empty(), "{} filename: expected a name, got none", Keys::class_name);
    value.filename = file_in(folder, value.filename);
  }
  if constexpr (requires { value.filepath; }) {
    require<ConfigError>(!value.filepath.empty(), "{} filepath: expected a name, got none", Keys::class_name);
    value.filepath = file_in(folder, value.filepath);
  }
  return value;
}

template <class Keys>
constexpr CallbackClass class_of() {
  return {Keys::class_name, [] { return write_config(Keys{}); }, &make_callback<Keys>};
}

}  // namespace

std::span<const CallbackClass> callback_classes() {
  static constexpr CallbackClass classes[] = {class_of<EarlyStoppingKeys>(), class_of<ReduceKeys>(),
                                              class_of<CheckpointKeys>(),    class_of<LoggerKeys>(),
                                              class_of<TerminateKeys>(),     class_of<AverageKeys>()};
  return classes;
}

std::string file_written(const Callback& callback) {
  if (const auto* logger = callback.as<CSVLogger>()) return logger->filename;
  const auto* checkpoint = callback.as<ModelCheckpoint>();
  return checkpoint == nullptr ? std::string() : checkpoint->filepath;
}

}  // namespace recipe

}  // namespace maas::inline MAAS_ABI
