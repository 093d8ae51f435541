#include "io/json.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "maas/core/utf8.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr std::size_t deepest = 64;

// Texts that stand for infinities while JSON is parsed. A name in a file holds no NUL.
constexpr std::string_view infinity_mark("\0Infinity", 9), minus_infinity_mark("\0-Infinity", 10);

// Builds a Config while the text is read, so that depth and keys are checked before anything large exists.
class Builder {
 public:
  using json = nlohmann::json;

  explicit Builder(std::string_view where) : where_(where) {}

  bool null() { return add(Config()); }
  bool boolean(bool value) { return add(Config(value)); }
  bool number_integer(json::number_integer_t value) { return add(Config(static_cast<std::int64_t>(value))); }
  bool number_unsigned(json::number_unsigned_t value) {
    if (value > static_cast<json::number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      return add(Config(static_cast<double>(value)));
    return add(Config(static_cast<std::int64_t>(value)));
  }
  bool number_float(json::number_float_t value, const std::string&) { return add(Config(value)); }
  bool string(std::string& value) {
    if (value == infinity_mark) return add(Config(std::numeric_limits<double>::infinity()));
    if (value == minus_infinity_mark) return add(Config(-std::numeric_limits<double>::infinity()));
    return add(Config(std::move(value)));
  }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Config(Config::Object{})); }
  bool start_array(std::size_t) { return open(Config(Config::List{})); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    require<FormatError>(keys_.back().insert(name).second, "{}: the key \"{}\" stands twice in one object", where_,
                         name);
    names_.back() = name;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...", of which people need the
    // end.
    const std::string_view text = error.what(), start = "parse error at ";
    const std::size_t place = text.find(start);
    if (place == std::string_view::npos)
      fail<FormatError>("{}: not valid JSON at character {}: {}", where_, position, text);
    fail<FormatError>("{}: not valid JSON at {}", where_, text.substr(place + start.size()));
  }

  Config result;

 private:
  bool open(Config container) {
    require<FormatError>(open_.size() < deepest, "{}: JSON nests deeper than {} levels", where_, deepest);
    open_.push_back(std::move(container));
    keys_.emplace_back();
    names_.emplace_back();
    return true;
  }
  bool close() {
    Config container = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    names_.pop_back();
    return add(std::move(container));
  }
  bool add(Config value) {
    if (open_.empty())
      result = std::move(value);
    else if (open_.back().is_list())
      open_.back().as_list().push_back(std::move(value));
    else
      open_.back().append(names_.back(), std::move(value));
    return true;
  }

  std::string_view where_;
  std::vector<Config> open_;
  std::vector<std::set<std::string>> keys_;
  std::vector<std::string> names_;
};

// Python writes NaN, Infinity and -Infinity as bare words, which JSON does not have. Outside strings infinities are
// replaced by marks, and NaN by null (a NaN is never a setting).
std::string without_python_words(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      result += c;
      result += text[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (!in_string && text.substr(i).starts_with("Infinity")) {
      result += "\"\\u0000Infinity\"";
      i += 7;
    } else if (!in_string && text.substr(i).starts_with("-Infinity")) {
      result += "\"\\u0000-Infinity\"";
      i += 8;
    } else if (!in_string && text.substr(i).starts_with("NaN")) {
      result += "null";
      i += 2;
    } else {
      result += c;
    }
  }
  return result;
}

std::string escaped(std::string_view text) {
  const std::size_t wrong = first_not_utf8(text);
  require<ConfigError>(wrong == std::string_view::npos,
                       "expected UTF-8 text for the file, got another byte behind \"{}\"",
                       text.substr(0, std::min<std::size_t>(wrong, 40)));
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Config parse_json(std::string_view text, std::string_view where) {
  Builder builder(where);
  const bool python = text.find("Infinity") != std::string_view::npos || text.find("NaN") != std::string_view::npos;
  const std::string replaced = python ? without_python_words(text) : std::string(text);
  nlohmann::json::sax_parse(replaced, &builder);
  return std::move(builder.result);
}

std::string write_json(const Config& config) {
  if (config.is_string()) return escaped(config.as_string());
  if (!config.is_list() && !config.is_object()) return config.text();
  std::string result;
  if (config.is_list()) {
    for (const Config& element : config.as_list()) result += (result.empty() ? "" : ", ") + write_json(element);
    return "[" + result + "]";
  }
  for (const auto& [key, value] : config.as_object()) {
    if (!result.empty()) result += ", ";
    result += escaped(key) + ": " + write_json(value);
  }
  return "{" + result + "}";
}

}  // namespace maas::inline MAAS_ABI::io
