// What a load of the repository extension may bring along.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/json.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The parameters of a load: `config`, a text of JSON as Triton has it, of which the version policy counts; and
/// `file:VERSION/NAME`, a file as base64.
class LoadParameters {
 public:
  /// `allow_upload`: whether files may come.
  LoadParameters(std::string model, bool allow_upload) : model_(std::move(model)), allow_upload_(allow_upload) {}

  /// Takes one. Throws DataError for what it cannot be, StatusError 501 for a file where none may come.
  void take(std::string_view name, JsonView value);

  const std::vector<GivenFile>& files() const { return files_; }
  /// Nothing if none was given.
  const PolicyChange& policy() const { return policy_; }

 private:
  void take_config(std::string_view text);
  void take_file(std::string_view name, std::string_view text);

  const std::string model_;
  const bool allow_upload_;
  std::vector<GivenFile> files_{};
  std::deque<std::string> contents_{};  // of the files
  PolicyChange policy_{};
};

}  // namespace maas::inline MAAS_ABI::serve
