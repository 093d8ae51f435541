#include "maas/serve/config_file.hpp"

#include <iterator>

#include "maas/core/error.hpp"
#include "maas/core/read_file.hpp"
#include "serve/json.hpp"
#include "serve/model_settings.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// As one would write it after an option.
std::string option_text(JsonView value, const std::string& what) {
  if (const auto text = value.text()) return std::string(*text);
  if (const auto flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto whole = value.integer()) return fmt::format("{}", *whole);
  const auto number = value.number();
  require<ConfigError>(number.has_value(), "{}: expected a text, a number, true or false, got {}", what,
                       value.kind_name());
  return fmt::format("{}", *number);
}

void read_models(JsonView models, ConfigFile& config) {
  require<ConfigError>(models.kind() == JsonKind::object, "models: expected an object, got {}", models.kind_name());
  models.for_each_member([&](std::string_view name, JsonView settings) {
    require<ConfigError>(is_model_name(name), "models: expected a name that an address can hold, got \"{}\"", name);
    config.models[std::string(name)] = settings_from(settings, fmt::format("models.{}", name));
  });
}

void read_options(JsonView options, ConfigFile& config) {
  require<ConfigError>(options.kind() == JsonKind::object, "server: expected an object, got {}", options.kind_name());
  options.for_each_member([&](std::string_view name, JsonView value) {
    config.options.emplace_back(name, option_text(value, fmt::format("server.{}", name)));
  });
}

}  // namespace

ConfigFile read_config_file(const std::string& path) {
  const std::string text = read_file(path);
  ConfigFile config;
  try {
    const JsonDocument document(text, 32, "");
    const JsonView root = document.root();
    require<ConfigError>(root.kind() == JsonKind::object, "expected an object, got {}", root.kind_name());
    root.for_each_member([&](std::string_view name, JsonView value) {
      if (name == "models") return read_models(value, config);
      if (name == "server") return read_options(value, config);
      fail<ConfigError>("expected \"server\" or \"models\", got \"{}\"", name);
    });
  } catch (const Error& error) {
    fail<ConfigError>("{}: {}", path, error.what());
  }
  return config;
}

}  // namespace maas::inline MAAS_ABI::serve
