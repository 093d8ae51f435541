#include "maas/core/config.hpp"

#include "maas/core/catalog.hpp"
#include "maas/core/fields.hpp"
#include "maas/core/find_by_name.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

struct Square {
  static constexpr std::string_view class_name = "Square";
  double side = 1;
  std::optional<Index> layers = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("side", self.side);
    field("layers", self.layers);
  }
};
struct TinyCircle {
  static constexpr std::string_view class_name = "TinyCircle";
};
/// A family of one number a part.
struct Size {
  double value;
  Size(const Square& square) : value(square.side) {}
  Size(const TinyCircle&) : value(0) {}
};
using Sizes = Catalog<Size, Square, TinyCircle>;

}  // namespace

TEST_CASE("a config gives its value as the kind it is, and says what it is otherwise") {
  CHECK(Config(true).as_bool());
  CHECK(Config(3).as_integer() == 3);
  CHECK(Config(3).as_real() == 3.0);
  CHECK(Config(3.0).as_integer() == 3);
  CHECK(Config("text").as_string() == "text");
  CHECK_THROWS_WITH(Config(3.5).as_integer("units"), "units: expected a whole number, got real 3.5");
  CHECK_THROWS_WITH(Config("x").as_real("rate"), "rate: expected a number, got string \"x\"");
  CHECK_THROWS_WITH(Config().as_bool("flag"), "flag: expected true or false, got null null");
  CHECK_THROWS_WITH(Config(1e300).as_integer("units"), "units: expected a whole number, got real 1e+300");
  CHECK_THROWS_AS(Config(1).as_list(), ConfigError);
  CHECK_THROWS_AS(Config(std::nan("")).as_integer(), ConfigError);
}

TEST_CASE("an object keeps its keys in order, and says which there are") {
  Config config;
  config.set("b", 1).set("a", "x").set("b", 2);
  CHECK(config.text() == R"({"b": 2, "a": "x"})");
  CHECK(config.at("b").as_integer() == 2);
  CHECK(config.find("c") == nullptr);
  CHECK(config.contains("a"));
  CHECK_THROWS_WITH(config.at("c"), "expected a key \"c\", got only: b, a");
  config.erase("b");
  CHECK(config == Config{}.set("a", "x"));
  CHECK_THROWS_AS(Config(1).set("a", 1), ConfigError);
}

TEST_CASE("a config's text is JSON, with Python's names for numbers that are none") {
  CHECK(Config(1.0).text() == "1.0");
  CHECK(Config(0.1).text() == "0.1");
  CHECK(Config(1e-7).text() == "1e-07");
  CHECK(Config(std::nan("")).text() == "NaN");
  CHECK(Config(-1 / 0.0).text() == "-Infinity");
  CHECK(Config("a\"b\\c\n").text() == R"("a\"b\\c\u000a")");
  CHECK(Config(Config::List{1, Config(), true, Config::Object{}}).text() == "[1, null, true, {}]");
}

TEST_CASE("fields are written in order, read by name, and unknown ones refused") {
  CHECK(write_config(Square{.side = 2}).text() == R"({"side": 2.0, "layers": null})");
  const Square square = read_config<Square>(Config{}.set("layers", 4).set("side", 3));
  CHECK(square.side == 3);
  CHECK(square.layers == 4);
  CHECK(read_config<Square>(Config{}).side == 1);
  CHECK_THROWS_WITH(read_config<Square>(Config{}.set("sides", 4)),
                    "Square: expected one of: side, layers; got the key \"sides\"");
  CHECK_THROWS_WITH(read_config<Square>(Config{}.set("side", "long")),
                    "Square side: expected a number, got string \"long\"");
  CHECK_THROWS_WITH(read_config<TinyCircle>(Config{}.set("r", 4)),
                    "TinyCircle: expected one of: no keys; got the key \"r\"");
  CHECK_THROWS_AS(read_config<Square>(Config(5)), ConfigError);
  int small = 0;
  CHECK_THROWS_AS(from_config(Config(std::int64_t{1} << 40), "small", small), ConfigError);
  Shape shape;
  from_config(Config(Config::List{2, 3}), "shape", shape);
  CHECK(shape == Shape{2, 3});
  CHECK_THROWS_AS(from_config(Config(Config::List{-2}), "shape", shape), ShapeError);
}

TEST_CASE("a catalog makes parts by name, and lists its names for an unknown one") {
  CHECK(Sizes::make("Square", Config{}.set("side", 7)).value == 7);
  CHECK(Sizes::names() == "Square, TinyCircle");
  CHECK_THROWS_WITH(Sizes::make("Cube", {}, "size"), "unknown size \"Cube\"; maas knows Square, TinyCircle");
  const auto more = catalog_of<Size, Square>();
  CHECK(Catalog<Size, TinyCircle>::make("Square", {}, "size", more).value == 1);
  int count = 0;
  Sizes::for_each([&](const auto&) { ++count; });
  CHECK(count == 2);
}

TEST_CASE("classes are found by their name, in snake case, or by an alias") {
  static constexpr detail::Alias aliases[] = {{"dot", "tiny_circle"}};
  CHECK(detail::find_by_name<Sizes>("TinyCircle")->class_name == "TinyCircle");
  CHECK(detail::find_by_name<Sizes>("tiny_circle")->class_name == "TinyCircle");
  CHECK(detail::find_by_name<Sizes>("dot", aliases)->class_name == "TinyCircle");
  CHECK(detail::find_by_name<Sizes>("dot") == nullptr);
}
