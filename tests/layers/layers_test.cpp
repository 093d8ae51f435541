#include "maas/layers/layers.hpp"

#include "maas/testing/check_layer.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every layer satisfies the contract of layers, on samples of rank 1, 2 and 3") {
  BuiltinLayers::for_each([](const auto& part) {
    using Part = std::remove_cvref_t<decltype(part)>;
    if constexpr (std::is_same_v<Part, InputLayer>) {
      testing::check_part(part);
    } else {
      INFO(Part::class_name);
      for (const Shape& shape : {Shape{3}, Shape{4, 3}, Shape{2, 3, 5}})
        CHECK_NOTHROW(testing::check_layer(part, {.input = shape, .acts_in_training = std::is_same_v<Part, Dropout>}));
    }
  });
}

TEST_CASE("an input says its shape and takes no inputs") {
  CHECK(InputLayer{Shape{28, 28}}.plan({}).output == Shape{28, 28});
  const Shape shape{3};
  CHECK_THROWS_WITH(InputLayer{}.plan(std::span(&shape, 1)), "InputLayer: expected no inputs, got 1");
  testing::check_part(InputLayer{Shape{28, 28}});
}
