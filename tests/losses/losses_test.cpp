#include "maas/losses/losses.hpp"

#include "maas/testing/check_loss.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every loss satisfies the contract of losses") {
  BuiltinLosses::for_each([](const auto& part) {
    INFO(part.class_name);
    for (Index outputs : {2, 3, 4, 9}) CHECK_NOTHROW(testing::check_loss(part, {.outputs = outputs, .batch = 7}));
    const bool needs_classes = part.class_name.find("Categorical") != std::string_view::npos;
    if (!needs_classes) CHECK_NOTHROW(testing::check_loss(part, {.outputs = 1, .batch = 7}));
  });
}
