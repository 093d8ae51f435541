#include "maas/optimizers/optimizers.hpp"

#include "maas/testing/check_optimizer.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every optimizer satisfies the contract of optimizers") {
  BuiltinOptimizers::for_each([](const auto& part) {
    INFO(part.class_name);
    using Part = std::remove_cvref_t<decltype(part)>;
    const bool whole = std::is_same_v<Part, Lamb> || std::is_same_v<Part, Adafactor>;
    const double rate = std::is_same_v<Part, Adadelta> ? 1.0 : 0.02;  // Adadelta finds its own, from a slow start
    CHECK_NOTHROW(testing::check_optimizer(part, {.learning_rate = rate, .whole_tensors = whole}));
  });
}
