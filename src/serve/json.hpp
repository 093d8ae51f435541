// JSON of request bodies, read: a view of a document, and tensors out of it. The library behind it stays in json.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "maas/core/scalar.hpp"
#include "serve/data_type.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What a value is. NaN and the infinities, which Python's json writes as bare tokens, are numbers; so is one that is
/// larger than any double, as 1e999, which reads as an infinity.
enum class JsonKind { null, boolean, number, text, list, object };

/// A call that is handed down for as long as one takes: a function, without memory for what it holds.
template <class... Arguments>
class CallOf {
 public:
  template <class Work>
  requires(!std::is_same_v<Work, CallOf> && !std::is_function_v<Work>) CallOf(const Work& work)
      : held_{.work = &work},
        call_([](Held held, Arguments... arguments) { (*static_cast<const Work*>(held.work))(arguments...); }) {}
  CallOf(void (*function)(Arguments...))
      : held_{.function = function}, call_([](Held held, Arguments... arguments) { held.function(arguments...); }) {}
  void operator()(Arguments... arguments) const { call_(held_, arguments...); }

 private:
  union Held {
    const void* work;
    void (*function)(Arguments...);
  };
  Held held_;
  void (*call_)(Held, Arguments...);
};

/// A value of a document, to be used while the document lives.
class JsonView {
 public:
  JsonKind kind() const;
  /// Its kind in words, for errors: "a number".
  std::string_view kind_name() const;
  /// The value if it is of that kind, else nothing.
  std::optional<bool> boolean() const;
  std::optional<std::string_view> text() const;
  /// A whole number that fits; 1.0 is none.
  std::optional<std::int64_t> integer() const;

  /// Any number, NaN and the infinities included.
  std::optional<double> number() const;

  /// The value as a text in JSON.
  std::string json() const;

  /// Calls back for each element of a list, or each member of an object in the order of the text; does nothing for
  /// other kinds. Names may repeat.
  void for_each(CallOf<JsonView> element) const;
  void for_each_member(CallOf<std::string_view, JsonView> member) const;
  /// How many elements a list, or members an object has; 0 for others.
  std::size_t size() const;
  /// The last member of that name, as readers of JSON have it.
  std::optional<JsonView> member(std::string_view name) const;

 private:
  friend class JsonDocument;
  friend class JsonTensorReader;
  alignas(std::uint64_t) std::array<std::byte, 16> element_{};  // what the library has for it
};

/// A document that was read whole.
class JsonDocument {
 public:
  /// Throws DataError where the text is not one JSON value (RFC 8259, with the tokens NaN, Infinity and -Infinity), or
  /// where lists and objects stand in each other more than `depth` deep. `where` begins the texts of these errors; it
  /// is empty for files, whose readers put their path before it.
  JsonDocument(std::string_view text, std::size_t depth, std::string_view where = "request body: ");
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;
  ~JsonDocument();

  JsonView root() const { return root_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  JsonView root_;
};

/// Numbers with the lengths of the nested lists they stood in; a lone number has none.
struct JsonTensor {
  std::vector<Index> shape{};
  std::vector<Scalar> values{};
};

/// Reads nested lists of numbers, row after row into one block.
class JsonTensorReader {
 public:
  /// `what` begins the texts of errors; more than `most` numbers are refused.
  JsonTensorReader(std::string what, DataType type, Index most) : what_(std::move(what)), type_(type), most_(most) {}

  /// Lists must be of one length wherever they are equally deep. Throws DataError naming the place where they are not,
  /// or where an element is not of the type; a StatusError 413 for too many numbers.
  JsonTensor rectangular(JsonView value);
  /// All numbers in the order of the text, however they are nested. Throws as above.
  std::vector<Scalar> flat(JsonView value);

 private:
  struct Access;
  std::string place() const;

  std::string what_;
  DataType type_;
  Index most_;
  std::vector<Index> position_{};
};

}  // namespace maas::inline MAAS_ABI::serve
