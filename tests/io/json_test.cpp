#include "io/json.hpp"

#include <cmath>
#include <limits>

#include "maas/core/error.hpp"
#include "support/catch.hpp"

using namespace maas;
using io::parse_json;
using io::write_json;

TEST_CASE("JSON becomes a tree of values and back") {
  const std::string text =
      R"({"a": [1, -2, 0.5, true, false, null], "b": {"c": "d\"\\\n", "e": []}, "f": {}, "g": 9007199254740993})";
  const Config config = parse_json(text, "here");
  CHECK(config.at("a").as_list()[1].as_integer() == -2);
  CHECK(config.at("a").as_list()[5].is_null());
  CHECK(config.at("b").at("c").as_string() == "d\"\\\n");
  CHECK(config.at("g").as_integer() == 9007199254740993);
  CHECK(parse_json(write_json(config), "here") == config);
}

TEST_CASE("doubles survive to the last bit") {
  for (double value :
       {0.1, 1.0 / 3, 0.0010000000474974513, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345680.0}) {
    const Config back = parse_json(write_json(Config(value)), "here");
    CHECK(back.as_real() == value);
    CHECK(std::signbit(back.as_real()) == std::signbit(value));
    CHECK_FALSE(back.is_integer());
  }
}

TEST_CASE("texts are written in ASCII") {
  CHECK(write_json(Config("z\xC3\xA4hler \xF0\x9F\x9A\x97")) == R"("z\u00e4hler \ud83d\ude97")");
  CHECK(parse_json(R"("z\u00e4hler")", "here").as_string() == "z\xC3\xA4hler");
}

TEST_CASE("Python's words for what JSON cannot say") {
  const Config config = parse_json(R"([Infinity, -Infinity, NaN, "Infinity NaN", "-\"Infinity"])", "here");
  CHECK(config.as_list()[0].as_real() == std::numeric_limits<double>::infinity());
  CHECK(config.as_list()[1].as_real() == -std::numeric_limits<double>::infinity());
  CHECK(config.as_list()[2].is_null());
  CHECK(config.as_list()[3].as_string() == "Infinity NaN");
  CHECK(config.as_list()[4].as_string() == "-\"Infinity");
  CHECK_THROWS_AS(parse_json("[1Infinity]", "here"), FormatError);
}

TEST_CASE("what is not JSON is refused, and where") {
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\xFF\"", "[1e999]", "\x01"}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_json(text, "model.h5: model_config"), Catch::StartsWith("model.h5: model_config: "));
  }
  CHECK_THROWS_WITH(parse_json(R"({"a": 1, "a": 2})", "here"), "here: the key \"a\" stands twice in one object");
  CHECK_NOTHROW(parse_json(std::string(60, '[') + std::string(60, ']'), "here"));
  CHECK_THROWS_WITH(parse_json(std::string(100000, '['), "here"), "here: JSON nests deeper than 64 levels");
}
