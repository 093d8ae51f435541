// Reading and writing of JSON.
#include "serve/json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "serve/json_writer.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::serve;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<Scalar> numbers(const std::string& text) {
  const JsonDocument document(text, 32);
  return JsonTensorReader("data", DataType::fp32, 1000).flat(document.root());
}

std::string written(Scalar value, Whole whole = Whole::short_form) {
  std::string out;
  append_number(out, value, whole);
  return out;
}

std::string quoted(std::string_view text) {
  std::string out;
  append_text(out, text);
  return out;
}

}  // namespace

TEST_CASE("numbers are read as JSON has them, and NaN and infinity as Python writes them") {
  CHECK(numbers("[0, -0.0, 1e3, 2.5E-1, -17]") == std::vector<Scalar>{0, 0, 1000, 0.25F, -17});
  CHECK(std::signbit(numbers("[-0.0]")[0]));
  const std::vector<Scalar> odd = numbers("[NaN,Infinity, -Infinity ,1e-45]");
  CHECK(std::isnan(odd[0]));
  CHECK(odd[1] == std::numeric_limits<Scalar>::infinity());
  CHECK(odd[2] == -std::numeric_limits<Scalar>::infinity());
  CHECK(odd[3] == std::numeric_limits<Scalar>::denorm_min());
  CHECK(numbers("[123456789012345678901234567890, -99999999999999999999]") ==
        std::vector<Scalar>{1.2345679e29F, -1e20F});
  CHECK(numbers("[18446744073709551615, -9223372036854775808]") ==
        std::vector<Scalar>{18446744073709551615.0F, -9223372036854775808.0F});
  for (const char* text :
       {"[+1]", "[.5]", "[1.]", "[0x10]", "[01]", "[nan]", "[inf]",   "[-NaN]",     "[NaNN]", "[Infinit]", "[1 2]",
        "[1,]", "[,1]", "[1]]", "",       " ",    "[",     "{\"a\"}", "[\"\xff\"]", "[1e]",   "[01e999]",  "NaN NaN"})
    CHECK_THROWS_AS(numbers(text), DataError);
}

TEST_CASE("a number that no double holds is told as one that its type does not, with its place") {
  const auto wrong = [](const std::string& text, DataType type) {
    const JsonDocument document(text, 32);
    try {
      JsonTensorReader("x", type, 100).flat(document.root());
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  CHECK(wrong("[1, 1e39]", DataType::fp32) == "x[1]: expected a number within FP32, as it is FP32, got 1e+39");
  CHECK(wrong("[1, 1e999]", DataType::fp32) == "x[1]: expected a number within FP32, as it is FP32, got 1e999");
  CHECK(wrong("[[-1.5E+0999]]", DataType::fp64) ==
        "x[0][0]: expected a number within FP32, as it is FP64, got -1.5E+0999");
  CHECK(wrong("[1e999]", DataType::int32) == "x[0]: expected a whole number in its range, as it is INT32, got 1e999");
  CHECK(wrong("[1e999]", DataType::boolean) == "x[0]: expected true or false, as it is BOOL, got 1e999");
  const std::string many(400, '9');
  CHECK_THAT(wrong("[" + many + "]", DataType::fp32), ContainsSubstring("got " + many));
  CHECK(numbers("[1e-999, NaN]")[0] == 0);
  for (const char* text : {"[+1e999]", "[.1e999]", "[1.e999]", "[1e+]", "[1e999.0]", "[1e9991e999]", "[--1e999]"})
    CHECK_THROWS_WITH(numbers(text), ContainsSubstring("expected JSON"));
  // As Python reads it; a text that only begins like the copy's mark stays one.
  const JsonDocument document(R"([1e999, -1e999, "\u0000east", "\u0000e1", 1e999])", 32);
  std::vector<JsonView> all;
  document.root().for_each([&](JsonView each) { all.push_back(each); });
  REQUIRE(all.size() == 5);
  CHECK(all[0].kind() == JsonKind::number);
  CHECK(all[0].number() == std::numeric_limits<double>::infinity());
  CHECK(all[1].number() == -std::numeric_limits<double>::infinity());
  CHECK_FALSE(all[0].text().has_value());
  CHECK(all[2].text() == std::string_view("\0east", 5));
  CHECK(all[3].text() == std::string_view("\0e1", 3));
}

TEST_CASE("whole numbers are rounded once, as bytes are") {
  // Through a double it would be the FP32 below.
  constexpr std::int64_t whole = 1152921573326323713;
  const std::string text = fmt::format("[{}]", whole);
  const auto read = [](const std::string& list, DataType type) {
    const JsonDocument document(list, 32);
    return JsonTensorReader("x", type, 100).rectangular(document.root()).values.at(0);
  };
  for (const DataType type : {DataType::int64, DataType::uint64, DataType::fp32})
    CHECK(read(text, type) == static_cast<Scalar>(whole));
  CHECK(read(text, DataType::fp64) == static_cast<Scalar>(static_cast<double>(whole)));
  CHECK(read(text, DataType::fp64) != read(text, DataType::fp32));
  constexpr std::uint64_t large = 9223372586610589697U;  // 2^63 + 2^39 + 1
  for (const DataType type : {DataType::uint64, DataType::fp32})
    CHECK(read(fmt::format("[{}]", large), type) == static_cast<Scalar>(large));
}

TEST_CASE("texts stay as they are, NaN in them too") {
  const std::string text = R"({"a NaN \" Infinity": "NaN", "b": NaN, "c": "-Infinity\\", "d": "é"})";
  const JsonDocument document(text, 32);
  CHECK(document.root().member("a NaN \" Infinity")->text() == "NaN");
  CHECK(document.root().member("b")->kind() == JsonKind::number);
  CHECK_FALSE(document.root().member("b")->text().has_value());
  CHECK(document.root().member("c")->text() == "-Infinity\\");
  CHECK(document.root().member("d")->text() == "é");
  CHECK_FALSE(document.root().member("e").has_value());
  CHECK(document.root().size() == 4);
  CHECK_THROWS_AS(numbers(R"(["NaN"])"), DataError);
}

TEST_CASE("the last of several members counts") {
  const JsonDocument document(R"({"a": 1, "a": 2})", 32);
  CHECK(document.root().member("a")->integer() == 2);
}

TEST_CASE("values are only what they are") {
  const JsonDocument document(R"([1, 1.0, true, null, "x", [], {}, 18446744073709551615])", 32);
  std::vector<JsonView> all;
  document.root().for_each([&](JsonView each) { all.push_back(each); });
  REQUIRE(all.size() == 8);
  CHECK(all[0].integer() == 1);
  CHECK_FALSE(all[1].integer().has_value());
  CHECK(all[2].boolean() == true);
  CHECK_FALSE(all[2].integer().has_value());
  CHECK(all[3].kind() == JsonKind::null);
  CHECK(all[4].kind_name() == "a text");
  CHECK(all[5].kind_name() == "a list");
  CHECK(all[6].kind_name() == "an object");
  CHECK_FALSE(all[7].integer().has_value());
}

TEST_CASE("rectangular lists give their shape") {
  const JsonDocument document("[[[1, 2, 3]], [[4, 5, 6]]]", 32);
  const JsonTensor tensor = JsonTensorReader("x", DataType::fp32, 6).rectangular(document.root());
  CHECK(tensor.shape == std::vector<Index>{2, 1, 3});
  CHECK(tensor.values == std::vector<Scalar>{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(JsonTensorReader("x", DataType::fp32, 5).rectangular(document.root()),
                    "x: expected at most 5 numbers, got more");
  for (const char* text : {"[[1], 2]", "[1, [2]]", "[[1], [2, 3]]", "[[], [1]]", "[[[1]], [[]]]"}) {
    const JsonDocument ragged(text, 32);
    CHECK_THROWS_AS(JsonTensorReader("x", DataType::fp32, 9).rectangular(ragged.root()), DataError);
  }
}

TEST_CASE("a number is written as the shortest text that reads back the same") {
  CHECK(written(0.1F) == "0.1");
  CHECK(written(16777216) == "16777216");
  CHECK(written(0) == "0");
  CHECK(written(-0.0F) == "-0.0");
  CHECK(written(-2, Whole::with_point) == "-2.0");
  CHECK(written(0.5F, Whole::with_point) == "0.5");
  CHECK(written(1e20F, Whole::with_point) == "1e+20");
  CHECK(written(std::numeric_limits<Scalar>::quiet_NaN()) == "NaN");
  CHECK(written(-std::numeric_limits<Scalar>::infinity()) == "-Infinity");
  const Random random(1);
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits(i)));
    if (!std::isfinite(value)) continue;
    CHECK(numbers("[" + written(value) + "]")[0] == value);
  }
}

TEST_CASE("texts are written so that they are JSON whatever they hold") {
  CHECK(quoted("a\"b\\c\n\x01\x7f") == R"("a\"b\\c\u000a\u0001\u007f")");
  CHECK(quoted("é€😀") == "\"é€😀\"");
  CHECK(quoted("\xff\xc3(\xe2\x82") == R"("\ufffd\ufffd(\ufffd\ufffd")");
  CHECK(quoted("\xed\xa0\x80\xc0\x80\xf5") == R"("\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd")");
}

TEST_CASE("nested lists are written by their lengths") {
  const std::vector<Scalar> values{1, 2, 3, 4};
  std::string out;
  append_nested(out, values.data(), std::vector<Index>{2, 2, 1}, Whole::short_form);
  CHECK(out == "[[[1],[2]],[[3],[4]]]");
  out.clear();
  append_nested(out, values.data(), {}, Whole::with_point);
  CHECK(out == "1.0");
  out.clear();
  append_nested(out, values.data(), std::vector<Index>{0, 2}, Whole::short_form);
  CHECK(out == "[]");
}
