// The kit for any part: its fields survive being written and read.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/core/fields.hpp"
#include "maas/core/handle.hpp"
#include "maas/testing/failure.hpp"

namespace maas::inline MAAS_ABI::testing {

/// Checks what every part owes, whatever its family: its fields are written to a config and read back the same; fields
/// that are left out keep their defaults; a key that is no field is refused by name. Throws Failure.
template <PartRule Part>
void check_part(const Part& part) {
  Report report{std::string(Part::class_name)};
  report.expect(!std::string_view(Part::class_name).empty(), "class_name is empty");
  const Config config = write_config(part);
  report.run("config round trip", [&] {
    const Config again = write_config(read_config<Part>(config));
    report.expect(again == config, "written, read and written again, {} becomes {}", config.text(), again.text());
  });
  report.run("defaults", [&] {
    const Config left = write_config(read_config<Part>(Config{})), made = write_config(Part{});
    report.expect(left == made, "read from nothing it is {}, made without arguments {}", left.text(), made.text());
  });
  bool refused = false;
  try {
    read_config<Part>(Config(config).set("no_such_field", 1));
  } catch (const ConfigError& error) {
    refused = std::string_view(error.what()).find("no_such_field") != std::string_view::npos;
  }
  report.expect(refused, "an unknown key is not refused by name");
  report.finish();
}

/// The same for one class of a family's list, as readers of files reach it.
template <class Family>
void check_entry(const CatalogEntry<Family>& entry) {
  Report report{std::string(entry.class_name)};
  const Family part = entry.make(Config{});
  report.expect(!entry.class_name.empty() && part.class_name() == entry.class_name,
                "it is listed as \"{}\" and calls itself \"{}\"", entry.class_name, part.class_name());
  const Config config = part.config();
  report.run("config round trip", [&] {
    const Config again = entry.make(config).config();
    report.expect(again == config, "written, read and written again, {} becomes {}", config.text(), again.text());
  });
  bool refused = false;
  try {
    entry.make(Config(config).set("no_such_field", 1));
  } catch (const ConfigError& error) {
    refused = std::string_view(error.what()).find("no_such_field") != std::string_view::npos;
  }
  report.expect(refused, "an unknown key is not refused by name");
  report.finish();
}

/// Checks that a handle (an Activation, a Loss, an Optimizer, ...) survives being written to a config as files have it
/// and read over `other`, which must be a different part of the family. Throws Failure.
template <class Family>
void check_family_config(const Family& part, Family other) {
  Report report(std::string(part.class_name()));
  const Config config = to_config(part);
  report.run("config round trip", [&] {
    from_config(config, "check", other);
    report.expect(other == part, "{} is read as {} {}", config.text(), other.class_name(), other.config().text());
    report.expect(to_config(other) == config, "{} is written again as {}", config.text(), to_config(other).text());
  });
  report.finish();
}

}  // namespace maas::inline MAAS_ABI::testing
