#include "maas/constraints/norms.hpp"

#include <cmath>

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("lengths of weights are brought into bounds along an axis") {
  Vector w(4);
  w << 3, 1, 4, 0;  // columns of length 5 and 1
  const Shape shape{2, 2};
  Vector most = w, between = w;
  Constraint(MaxNorm{.max_value = 2}).apply(VectorView(most.data(), 4), shape);
  const double expected[] = {1.2, 1, 1.6, 0};
  for (Index i = 0; i < 4; ++i) CHECK(static_cast<double>(most[i]) == Approx(expected[i]).epsilon(1e-5));
  Constraint(MinMaxNorm{.min_value = 2, .max_value = 2}).apply(VectorView(between.data(), 4), shape);
  const double same_length[] = {1.2, 2, 1.6, 0};
  for (Index i = 0; i < 4; ++i) CHECK(static_cast<double>(between[i]) == Approx(same_length[i]).epsilon(1e-5));
}

TEST_CASE("bounds that leave nothing between them are refused when the constraint is made") {
  CHECK_THROWS_WITH(Constraint(MaxNorm{.max_value = -1}), "MaxNorm: expected a max_value of at least 0, got -1");
  CHECK_THROWS_AS(Constraint(MaxNorm{.max_value = std::nan("")}), ConfigError);
  CHECK_THROWS_WITH(Constraint(MinMaxNorm{.min_value = 2}),
                    "MinMaxNorm: expected a min_value of at most max_value = 1, got 2");
  CHECK_NOTHROW(Constraint(MaxNorm{.max_value = 0}));
}
