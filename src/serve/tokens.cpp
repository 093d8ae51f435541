#include "serve/tokens.hpp"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::string_view blanks = " \t\r";

// The words of a line up to a '#'.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find('#'));
  while (true) {
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == line.npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find_first_of(blanks)));
    line.remove_prefix(words.back().size());
  }
}

Scope scope_called(std::string_view name, const std::string& where) {
  if (name == "infer" || name == "predict") return Scope::infer;
  if (name == "metadata") return Scope::metadata;
  if (name == "metrics") return Scope::metrics;
  if (name == "admin") return Scope::admin;
  if (name == "train") return Scope::train;
  fail<FormatError>("{}: expected a scope (infer, metadata, metrics, admin, train), got \"{}\"", where, name);
}

unsigned scopes_called(std::string_view list, const std::string& where) {
  unsigned scopes = 0;
  while (true) {
    const std::size_t comma = list.find(',');
    scopes |= static_cast<unsigned>(scope_called(list.substr(0, comma), where));
    if (comma == list.npos) return scopes;
    list.remove_prefix(comma + 1);
  }
}

// The token of "Bearer TOKEN": the scheme's name has no case, and blanks follow it (RFC 9110, 11). Empty for others.
std::string_view bearer_of(std::string_view header) {
  constexpr std::string_view scheme = "Bearer";
  if (!is_same_name(header.substr(0, scheme.size()), scheme)) return {};
  header.remove_prefix(scheme.size());
  const std::size_t begin = header.find_first_not_of(' ');
  return begin == 0 || begin == header.npos ? std::string_view() : header.substr(begin);
}

// Size and time of change, or nothing where there is no file.
std::string stamp_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return fmt::format("{} {} {}.{}", found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
}

}  // namespace

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::infer:
      return "infer";
    case Scope::metadata:
      return "metadata";
    case Scope::metrics:
      return "metrics";
    case Scope::admin:
      return "admin";
    case Scope::train:
      return "train";
    case Scope::none:
    case Scope::all:
      break;
  }
  return "";
}

Tokens::Tokens(const std::string& token, std::string file, std::function<void(const std::string& text)> warn)
    : file_(std::move(file)), warn_(std::move(warn)) {
  is_open_ = token.empty() && file_.empty();
  if (!token.empty()) given_ = Token{.digest = digest_of(token), .scopes = static_cast<unsigned>(Scope::all)};
  if (file_.empty()) return;
  stamp_ = stamp_of(file_);
  tokens_ = read(file_);
  looked_ = std::chrono::steady_clock::now();
}

Tokens::Digest Tokens::digest_of(std::string_view text) {
  Digest digest{};
  require<StateError>(gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data(), text.size(), digest.data()) == 0,
                      "tokens: SHA-256 cannot be computed");
  return digest;
}

Tokens::Token Tokens::token_of(std::string_view line, const std::string& where) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() == 1) return {.digest = digest_of(words[0]), .scopes = static_cast<unsigned>(Scope::all)};
  Token token{.scopes = scopes_called(words[0], where)};
  const bool is_digest =
      words[1].size() == 64 && std::ranges::all_of(words[1], [](char c) { return hex_digit(c) >= 0; });
  require<FormatError>(is_digest, "{}: expected SCOPE[,SCOPE] SHA256 NAME, the digest in 64 hex digits, got another",
                       where);
  for (std::size_t i = 0; i < token.digest.size(); ++i)
    token.digest[i] = static_cast<unsigned char>(hex_digit(words[1][2 * i]) * 16 + hex_digit(words[1][2 * i + 1]));
  return token;
}

std::vector<Tokens::Token> Tokens::read(const std::string& file) {
  std::ifstream stream(file);
  require<FormatError>(stream.is_open(), "{}: cannot be read", file);
  std::vector<Token> tokens;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (!words_of(line).empty()) tokens.push_back(token_of(line, fmt::format("{} line {}", file, number)));
  }
  require<FormatError>(!stream.bad(), "{}: cannot be read to its end", file);
  require<FormatError>(!tokens.empty(), "{}: expected a line with a token, got none", file);
  return tokens;
}

// At most once a second. A file that is gone or wrong takes no token away: it may be half written. But whoever wanted
// to take one away must hear of it.
void Tokens::read_again_if_changed() const {
  const auto now = std::chrono::steady_clock::now();
  if (file_.empty() || now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  const std::string stamp = stamp_of(file_);
  try {
    if (stamp == stamp_) return unread_.reset();
    std::vector<Token> tokens = read(file_);
    for (Token& token : tokens)
      for (const Token& before : tokens_)
        if (before.digest == token.digest) token.calls = before.calls;
    tokens_ = std::move(tokens);
    stamp_ = stamp;
    if (unread_) tell(fmt::format("{}: the tokens are those of the file again", file_));
    unread_.reset();
  } catch (const FormatError& error) {
    if (unread_ != stamp) tell(fmt::format("{}; the tokens before stay, those that were taken out, too", error.what()));
    unread_ = stamp;
  }
}

void Tokens::tell(const std::string& text) const {
  if (warn_) try {
      warn_(text);
    } catch (const std::exception&) {  // nobody to tell: requests go on
    }
}

void Tokens::append_metrics(std::string& out) const {
  if (file_.empty()) return;
  const std::lock_guard lock(mutex_);
  fmt::format_to(
      std::back_inserter(out),
      "# HELP maas_token_file_read 1 where the tokens are those of the file as it is, 0 where it has changed "
      "and cannot be read.\n# TYPE maas_token_file_read gauge\nmaas_token_file_read {}\n",
      unread_ ? 0 : 1);
}

bool Tokens::any_for(Scope scope) const {
  if (given_) return true;
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(tokens_, [&](const Token& token) { return token.scopes & static_cast<unsigned>(scope); });
}

// What is known of it; no scopes if nothing. Looks at every byte of every token.
Tokens::Token Tokens::known(std::string_view text) const {
  Token found{.digest = digest_of(text), .calls = nullptr};
  const auto compare = [&](const Token& token) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < token.digest.size(); ++i)
      difference |= static_cast<unsigned>(found.digest[i] ^ token.digest[i]);
    if (difference != 0) return;
    found.scopes |= token.scopes;
    found.calls = token.calls;
  };
  if (given_) compare(*given_);
  const std::lock_guard lock(mutex_);
  read_again_if_changed();
  for (const Token& token : tokens_) compare(token);
  return found;
}

Tokens::Calls Tokens::check(const std::string* header, Scope scope) const {
  if (is_open_) return nullptr;
  const std::string_view text = header == nullptr ? std::string_view() : bearer_of(*header);
  const Token token = text.empty() ? Token() : known(text);
  if (token.scopes == 0)
    fail_with(401, "expected a valid token in Authorization: Bearer TOKEN, got {}",
              header == nullptr ? "none" : "another");
  if ((token.scopes & static_cast<unsigned>(scope)) == 0)
    fail_with(403, "expected a token with the scope {}, got one without", name_of(scope));
  return token.calls;
}

}  // namespace maas::inline MAAS_ABI::serve
