#include "maas/layers/layers.hpp"

#include "maas/testing/check_layer.hpp"
#include "support/catch.hpp"
#include "support/layer_examples.hpp"

using namespace maas;

TEST_CASE("every layer satisfies the contract of layers") {
  for (const auto& entry : BuiltinLayers::entries()) {
    INFO(entry.class_name);
    CHECK_NOTHROW(testing::check_entry(entry));
    if (entry.class_name == InputLayer::class_name) continue;
    for (const tests::LayerExample& example : tests::layer_examples(entry)) {
      INFO(example.check.input.text());
      CHECK_NOTHROW(testing::check_layer(example.layer, example.check));
    }
  }
}

TEST_CASE("an input says its shape and takes no inputs") {
  CHECK(InputLayer{Shape{28, 28}}.plan({}).output == Shape{28, 28});
  const Shape shape{3};
  CHECK_THROWS_WITH(InputLayer{}.plan(std::span(&shape, 1)), "InputLayer: expected no inputs, got 1");
  testing::check_part(InputLayer{Shape{28, 28}});
}
