#include "serve/json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace dom = simdjson::dom;

namespace {

using Bytes = std::array<std::byte, 16>;
static_assert(sizeof(dom::element) == sizeof(Bytes) && std::is_trivially_copyable_v<dom::element>);

dom::element element_of(const Bytes& bytes) { return std::bit_cast<dom::element>(bytes); }

// Beyond this a thread gives a parser's memory back.
constexpr std::size_t kept_capacity = std::size_t{1} << 18;

// JSON has no NaN; a text that begins with a zero byte stands for it in the copy that is read instead. A client may
// send such a text itself, and has then said NaN in another way.
constexpr char number_mark = '\0';

// Behind the mark, and behind this, stands a number that no double holds.
constexpr char beyond_mark = 'e';

// As JSON has it (RFC 8259, 6): no plus before it, no zeros, and digits on both sides of a point.
bool is_json_number(std::string_view text) {
  const auto take = [&](std::string_view any) {
    const bool has = !text.empty() && any.find(text[0]) != any.npos;
    if (has) text.remove_prefix(1);
    return has;
  };
  const auto take_digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  take("-");
  if (!take("0") && !take_digits()) return false;
  if (take(".") && !take_digits()) return false;
  if (take("eE") && (take("+-"), !take_digits())) return false;
  return text.empty();
}

// Whether a number is larger than any double. Few are looked at for long: most have no exponent and few digits.
bool is_beyond_double(std::string_view number) {
  constexpr std::size_t most_digits = std::numeric_limits<double>::max_exponent10;
  const bool is_large = number.size() > most_digits || number.find_first_of("eE") != number.npos;
  return is_large && is_json_number(number) && std::isinf(std::strtod(std::string(number).c_str(), nullptr));
}

// The number behind the marks, as it was sent; nothing where none is.
std::optional<std::string_view> number_beyond(std::string_view text) {
  if (text.size() < 2 || text[0] != number_mark || text[1] != beyond_mark) return std::nullopt;
  const std::string_view number = text.substr(2);
  return is_beyond_double(number) ? std::optional(number) : std::nullopt;
}

std::optional<double> marked_number(std::string_view text) {
  if (const auto number = number_beyond(text))
    return std::copysign(std::numeric_limits<double>::infinity(), number->starts_with('-') ? -1.0 : 1.0);
  if (text.size() != 2 || text[0] != number_mark) return std::nullopt;
  if (text[1] == 'n') return std::numeric_limits<double>::quiet_NaN();
  if (text[1] == '+') return std::numeric_limits<double>::infinity();
  if (text[1] == '-') return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

bool is_beyond_64_bits(std::string_view number) {
  const bool is_negative = number[0] == '-';
  if (number.find_first_not_of("0123456789", is_negative ? 1 : 0) != number.npos) return false;
  const char *begin = number.data(), *end = begin + number.size();
  std::int64_t below = 0;
  std::uint64_t above = 0;
  const auto read = is_negative ? std::from_chars(begin, end, below) : std::from_chars(begin, end, above);
  return read.ec == std::errc::result_out_of_range;
}

// Copies a text with what the library does not read in a form that it does: the tokens NaN, Infinity and -Infinity,
// whole numbers of more digits than 64 bits hold, and numbers larger than any double. Strings stay as they are.
class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : text_(text) {}

  /// Nothing if there was nothing to rewrite.
  std::optional<std::string> rewritten() {
    while (at_ < text_.size()) {
      if (text_[at_] == '"')
        copy_string();
      else if (!take("-Infinity", R"("\u0000-")") && !take("Infinity", R"("\u0000+")") &&
               !take("NaN", R"("\u0000n")") && !take_number())
        result_ += text_[at_++];
    }
    if (!changed_) return std::nullopt;
    return std::move(result_);
  }

 private:
  void copy_string() {
    const std::size_t first = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    result_ += text_.substr(first, at_ - first);
  }

  bool take(std::string_view token, std::string_view instead) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    result_ += instead;
    changed_ = true;
    return true;
  }

  bool take_number() {
    const auto end = text_.find_first_not_of("+-.0123456789eE", at_);
    const std::string_view number = text_.substr(at_, end == text_.npos ? end : end - at_);
    if (number.empty()) return false;
    at_ += number.size();
    const bool is_beyond = is_beyond_double(number);
    if (is_beyond) (result_ += R"("\u0000)") += beyond_mark;
    result_ += number;
    if (is_beyond)
      result_ += '"';
    else if (is_beyond_64_bits(number))
      result_ += ".0";
    else
      return true;
    changed_ = true;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string result_{};
  bool changed_ = false;
};

}  // namespace

struct JsonDocument::Parser {
  dom::parser parser{};
  std::size_t depth = 0;

  // One spare parser a thread, so that small requests take no memory.
  static std::unique_ptr<Parser>& spare() {
    thread_local std::unique_ptr<Parser> kept;
    return kept;
  }
  static std::unique_ptr<Parser> take() { return spare() ? std::move(spare()) : std::make_unique<Parser>(); }

  simdjson::error_code parse(std::string_view text, std::size_t most_depth, dom::element& root) {
    const std::size_t capacity = std::max(text.size(), std::size_t{1024});
    if (parser.capacity() < capacity || depth != most_depth) {
      if (const auto error = parser.allocate(capacity, most_depth + 1)) return error;
      depth = most_depth;
    }
    return parser.parse(text.data(), text.size(), true).get(root);
  }
};

JsonDocument::JsonDocument(std::string_view text, std::size_t depth, std::string_view where) : parser_(Parser::take()) {
  dom::element root;
  simdjson::error_code error = parser_->parse(text, depth, root);
  if (error != simdjson::SUCCESS && error != simdjson::DEPTH_ERROR)
    if (const std::optional<std::string> copy = Rewriter(text).rewritten()) error = parser_->parse(*copy, depth, root);
  if (error == simdjson::DEPTH_ERROR)
    fail<DataError>("{}expected lists and objects at most {} deep, got more", where, depth);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  require<DataError>(error == simdjson::SUCCESS, "{}expected JSON, got {} bytes that are none: {}", where, text.size(),
                     simdjson::error_message(error));
  root_.element_ = std::bit_cast<Bytes>(root);
}

JsonDocument::~JsonDocument() {
  if (parser_->parser.capacity() <= kept_capacity) Parser::spare() = std::move(parser_);
}

JsonKind JsonView::kind() const {
  switch (element_of(element_).type()) {
    case dom::element_type::ARRAY:
      return JsonKind::list;
    case dom::element_type::OBJECT:
      return JsonKind::object;
    case dom::element_type::STRING:
      return text() ? JsonKind::text : JsonKind::number;
    case dom::element_type::BOOL:
      return JsonKind::boolean;
    case dom::element_type::NULL_VALUE:
      return JsonKind::null;
    default:
      return JsonKind::number;
  }
}

std::string_view JsonView::kind_name() const {
  switch (kind()) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "true or false";
    case JsonKind::number:
      return "a number";
    case JsonKind::text:
      return "a text";
    case JsonKind::list:
      return "a list";
    case JsonKind::object:
      return "an object";
  }
  return "";
}

std::optional<bool> JsonView::boolean() const {
  bool value;
  return element_of(element_).get(value) == simdjson::SUCCESS ? std::optional(value) : std::nullopt;
}

std::optional<std::string_view> JsonView::text() const {
  std::string_view value;
  if (element_of(element_).get(value) != simdjson::SUCCESS || marked_number(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> JsonView::integer() const {
  const dom::element element = element_of(element_);
  std::int64_t value;
  if (element.type() == dom::element_type::DOUBLE || element.get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<double> JsonView::number() const {
  const dom::element element = element_of(element_);
  double value;
  if (element.get(value) == simdjson::SUCCESS) return value;
  std::string_view text;
  return element.get(text) == simdjson::SUCCESS ? marked_number(text) : std::nullopt;
}

std::string JsonView::json() const { return simdjson::minify(element_of(element_)); }

void JsonView::for_each(CallOf<JsonView> element) const {
  dom::array list;
  if (element_of(element_).get(list) != simdjson::SUCCESS) return;
  for (const dom::element each : list) {
    JsonView view;
    view.element_ = std::bit_cast<Bytes>(each);
    element(view);
  }
}

void JsonView::for_each_member(CallOf<std::string_view, JsonView> member) const {
  dom::object object;
  if (element_of(element_).get(object) != simdjson::SUCCESS) return;
  for (const dom::key_value_pair each : object) {
    JsonView view;
    view.element_ = std::bit_cast<Bytes>(each.value);
    member(each.key, view);
  }
}

// Counted one by one: the library's own count stops at 16 777 215.
std::size_t JsonView::size() const {
  std::size_t count = 0;
  for_each([&](JsonView) { ++count; });
  for_each_member([&](std::string_view, JsonView) { ++count; });
  return count;
}

std::optional<JsonView> JsonView::member(std::string_view name) const {
  std::optional<JsonView> found;
  for_each_member([&](std::string_view each, JsonView value) {
    if (each == name) found = value;
  });
  return found;
}

namespace {

// What an element is as a number of a type; `wrong` is called with what was expected if it is none.
template <class Wrong>
Scalar number_of(dom::element element, DataType type, const Wrong& wrong) {
  double value = 0;
  Scalar number = 0;
  bool is_of_type = false;  // known of 64 bits before they are rounded
  switch (element.type()) {
    case dom::element_type::BOOL:
      if (type != DataType::boolean) wrong("a number");
      return bool(element) ? Scalar(1) : Scalar(0);
    case dom::element_type::INT64:
      value = static_cast<double>(std::int64_t(element));
      number = static_cast<Scalar>(std::int64_t(element));
      is_of_type = type == DataType::int64;
      break;
    case dom::element_type::UINT64:
      value = static_cast<double>(std::uint64_t(element));
      number = static_cast<Scalar>(std::uint64_t(element));
      is_of_type = type == DataType::uint64;
      break;
    case dom::element_type::DOUBLE:
      value = double(element);
      number = static_cast<Scalar>(value);
      break;
    case dom::element_type::STRING:
      if (number_beyond(std::string_view(element)))
        wrong(type == DataType::boolean ? "true or false"
              : is_integer(type)        ? "a whole number in its range"
                                        : "a number within FP32");
      if (const auto marked = marked_number(std::string_view(element)); marked && !is_integer(type)) {
        if (type == DataType::boolean) wrong("true or false");
        return static_cast<Scalar>(*marked);
      }
      [[fallthrough]];
    default:
      wrong("a number");
  }
  if (type == DataType::boolean) wrong("true or false");
  if (is_integer(type) && !is_of_type && !in_range(type, value)) wrong("a whole number in its range");
  // Rounded once, as bytes of the type are: only a whole number that stands for an FP64 is a double first.
  if (type == DataType::fp64) number = static_cast<Scalar>(value);
  if (!std::isfinite(number)) wrong("a number within FP32");
  return number;
}

std::string text_of(dom::element element) {
  switch (element.type()) {
    case dom::element_type::NULL_VALUE:
      return "null (NaN is written NaN)";
    case dom::element_type::BOOL:
      return "true or false";
    case dom::element_type::STRING:
      if (const auto beyond = number_beyond(std::string_view(element))) return std::string(*beyond);
      return marked_number(std::string_view(element)) ? "NaN or infinity" : "a text";
    case dom::element_type::ARRAY:
      return "a list";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::INT64:
      return fmt::format("{}", std::int64_t(element));
    case dom::element_type::UINT64:
      return fmt::format("{}", std::uint64_t(element));
    case dom::element_type::DOUBLE:
      return fmt::format("{}", double(element));
    default:
      return "another number";
  }
}

}  // namespace

// Recursion ends at the depth the document was read with.
struct JsonTensorReader::Access {
  JsonTensorReader& reader;

  // What nearly all are: numbers within FP32. False for others, and where there is no room, which scalar() tells.
  bool take_plain(dom::element element, std::vector<Scalar>& values) const {
    if (reader.type_ != DataType::fp32) return false;
    const dom::element_type type = element.type();
    Scalar number = 0;
    if (type == dom::element_type::DOUBLE)
      number = static_cast<Scalar>(double(element));
    else if (type == dom::element_type::INT64)
      number = static_cast<Scalar>(std::int64_t(element));
    else
      return false;
    if (!std::isfinite(number) || static_cast<Index>(values.size()) >= reader.most_) return false;
    values.push_back(number);
    return true;
  }

  void scalar(dom::element element, std::vector<Scalar>& values) const {
    if (static_cast<Index>(values.size()) >= reader.most_)
      fail_with(413, "{}: expected at most {} numbers, got more", reader.what_, reader.most_);
    values.push_back(number_of(element, reader.type_, [&](std::string_view expected) {
      fail<DataError>("{}{}: expected {}, as it is {}, got {}", reader.what_, reader.place(), expected,
                      name_of(reader.type_), text_of(element));
    }));
  }

  void flat(dom::element element, std::vector<Scalar>& values) const {
    if (!element.is_array()) return scalar(element, values);
    reader.position_.push_back(0);
    for (const dom::element each : dom::array(element)) {
      flat(each, values);
      ++reader.position_.back();
    }
    reader.position_.pop_back();
  }

  // The shape is that of the first elements; all others must agree.
  void rectangular(dom::element element, std::size_t depth, bool first, JsonTensor& tensor) const {
    if (!element.is_array()) {
      if (depth != tensor.shape.size())  // not require: the place of each number would be made a text
        fail<DataError>("{}{}: expected a list, as in its neighbours, got {}", reader.what_, reader.place(),
                        text_of(element));
      return scalar(element, tensor.values);
    }
    if (first)
      tensor.shape.push_back(0);
    else if (depth >= tensor.shape.size())
      fail<DataError>("{}{}: expected a number, as in its neighbours, got a list", reader.what_, reader.place());
    Index count = 0;
    reader.position_.push_back(0);
    const dom::array list(element);
    if (first) tensor.values.reserve(std::min(list.size(), static_cast<std::size_t>(std::max<Index>(reader.most_, 0))));
    for (const dom::element each : list) {
      const bool is_taken = depth + 1 == tensor.shape.size() && take_plain(each, tensor.values);
      if (!is_taken) {
        reader.position_.back() = count;
        rectangular(each, depth + 1, first && count == 0, tensor);
      }
      ++count;
    }
    reader.position_.pop_back();
    if (first) tensor.shape[depth] = count;
    if (tensor.shape[depth] != count)
      fail<DataError>("{}{}: expected {} elements, as in its neighbours, got {}", reader.what_, reader.place(),
                      tensor.shape[depth], count);
  }
};

JsonTensor JsonTensorReader::rectangular(JsonView value) {
  JsonTensor tensor;
  Access{*this}.rectangular(element_of(value.element_), 0, true, tensor);
  return tensor;
}

std::vector<Scalar> JsonTensorReader::flat(JsonView value) {
  std::vector<Scalar> values;
  Access{*this}.flat(element_of(value.element_), values);
  return values;
}

std::string JsonTensorReader::place() const {
  std::string text;
  for (Index i : position_) text += fmt::format("[{}]", i);
  return text;
}

}  // namespace maas::inline MAAS_ABI::serve
