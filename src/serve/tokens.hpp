// Tokens: who may ask what.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What a token may be used for, one bit each.
enum class Scope : unsigned { none = 0, infer = 1, metadata = 2, metrics = 4, admin = 8, train = 16, all = 31 };

std::string_view name_of(Scope scope);

/// The tokens of a server: one that was given, and those of a file that may change.
class Tokens {
 public:
  /// Throws FormatError for a file that cannot be read or holds no token, naming the line that is wrong.
  /// `warn` is told, once a state of the file, that it has changed and cannot be read, and that it can again.
  Tokens(const std::string& token, std::string file, std::function<void(const std::string& text)> warn = {});

  /// Whether there are any: else everyone may ask.
  bool any() const { return !is_open_; }
  /// Whether one of them may be used for it.
  bool any_for(Scope scope) const;
  /// Counts what is under way with a token.
  using Calls = std::shared_ptr<std::atomic<int>>;

  /// Throws StatusError 401 for a header that is missing or holds no token, 403 for a token without the scope. The time
  /// it takes does not tell how much of a token was right. Gives the count of that token; null where there are none.
  Calls check(const std::string* header, Scope scope) const;
  /// Whether the tokens of the file are those it has now. Nothing where there is no file.
  void append_metrics(std::string& out) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Token {
    Digest digest{};
    unsigned scopes = 0;
    Calls calls = std::make_shared<std::atomic<int>>(0);
  };
  static Digest digest_of(std::string_view text);
  static Token token_of(std::string_view line, const std::string& where);
  static std::vector<Token> read(const std::string& file);
  void read_again_if_changed() const;
  void tell(const std::string& text) const;
  Token known(std::string_view text) const;

  const std::string file_;
  const std::function<void(const std::string& text)> warn_;
  bool is_open_ = true;
  std::optional<Token> given_{};
  mutable std::mutex mutex_{};  // guards what follows
  mutable std::vector<Token> tokens_{};
  mutable std::chrono::steady_clock::time_point looked_{};
  mutable std::string stamp_{};                  // what the file looked like when it was read
  mutable std::optional<std::string> unread_{};  // and when it last could not be; nothing where it could
};

}  // namespace maas::inline MAAS_ABI::serve
