// Reading and writing of JSON.
#include "serve/json.hpp"

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
        "[1,]", "[,1]", "[1]]", "",       " ",    "[",     "{\"a\"}", "[\"\xff\"]", "[1e]",   "[1e999]",   "NaN NaN"})
    CHECK_THROWS_AS(numbers(text), DataError);
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
