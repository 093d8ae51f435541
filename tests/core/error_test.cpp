#include "maas/core/error.hpp"

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("errors carry their text, and all are Errors") {
  CHECK_THROWS_WITH(fail<ShapeError>("layer {}: expected {}, got {}", "a", 3, 4), "layer a: expected 3, got 4");
  CHECK_NOTHROW(require<DataError>(true, "never"));
  CHECK_THROWS_AS(require<DataError>(false, "now"), DataError);
  CHECK_THROWS_AS(fail<ShapeError>(""), Error);
  CHECK_THROWS_AS(fail<ConfigError>(""), Error);
  CHECK_THROWS_AS(fail<DataError>(""), Error);
  CHECK_THROWS_AS(fail<FormatError>(""), Error);
  CHECK_THROWS_AS(fail<StateError>(""), Error);
  CHECK_THROWS_AS(fail<NumericError>(""), std::runtime_error);
}
