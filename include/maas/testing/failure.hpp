// What the test kits throw, and how they collect what is wrong.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::testing {

/// Thrown by a kit when a part does not keep its contract. The text has one line for everything that is wrong, so it
/// can be shown as it is by any test framework.
class Failure : public Error {
 public:
  using Error::Error;
};

/// Collects what is wrong with one part, so that a kit reports all of it at once.
class Report {
 public:
  /// `what` names the part that is checked.
  explicit Report(std::string what) : what_(std::move(what)) {}

  /// Notes the formatted text unless `condition` holds; returns the condition.
  template <class... Arguments>
  bool expect(bool condition, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (!condition) lines_.push_back(fmt::vformat(text, fmt::make_format_args(arguments...)));
    return condition;
  }
  /// Runs a piece of the check; an exception of it is noted as well.
  template <class Check>
  void run(std::string_view name, Check&& check) {
    try {
      check();
    } catch (const std::exception& error) {
      lines_.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }
  /// Throws Failure with all that was noted, if anything was.
  void finish() const {
    if (lines_.empty()) return;
    std::string text = what_ + " does not keep its contract:";
    for (const std::string& line : lines_) text += "\n  - " + line;
    throw Failure(text);
  }

 private:
  std::string what_;
  std::vector<std::string> lines_;
};

}  // namespace maas::inline MAAS_ABI::testing
