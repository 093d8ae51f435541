// Models inside models, weights by name, freezing.
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

/// A trained model of 3 inputs and 2 outputs.
Model trained_part() {
  auto model = Sequential{input(3), dense(4, relu), BatchNormalization{}, dense(2, Tanh{})};
  model.compile({.optimizer = Sgd{.learning_rate = 0.1}, .loss = mean_squared_error});
  const Matrix x = random_matrix(20, 3, -1, 1, Random(1));
  model.fit(x, x.leftCols(2), {.epochs = 2, .verbose = 0});
  return model;
}

const Matrix samples = random_matrix(10, 3, -1, 1, Random(2));

}  // namespace

TEST_CASE("a model called as a layer gives what it gives by itself") {
  const Model part = trained_part();
  const Symbol x = input(3);
  const Symbol h = part(x);
  const Model same(x, h), doubled(x, add({h, h}));
  CHECK(same.predict(samples) == part.predict(samples));
  CHECK(doubled.predict(samples).isApprox(2 * part.predict(samples)));
  CHECK(same.weight_names() == part.weight_names());
  const auto chain = Sequential{part, dense(1)};
  CHECK(chain.network().graph().is_chain());
  CHECK(chain.weight("dense_1/kernel") == part.weight("dense_1/kernel"));
  const auto later = Sequential{input(3), dense(3), part};
  CHECK(later.weight("dense_2/kernel") == part.weight("dense_1/kernel"));
  CHECK(later.weight("batch_normalization/moving_mean") == part.weight("batch_normalization/moving_mean"));
}

TEST_CASE("a model that is called twice has one set of weights, and goes on alone afterwards") {
  Model part = trained_part();
  const Symbol a = input(3), b = input(3);
  Model twins({a, b}, {subtract(part(a), part(b))});
  CHECK(twins.network().parameters().count() == part.network().parameters().count());
  CHECK(twins.predict({samples, samples})[0].norm() == 0);
  const Matrix before = part.weight("dense/kernel");
  twins.compile({.loss = mean_squared_error});
  twins.fit({samples, Matrix(2 * samples)}, Matrix::Ones(10, 2), {.verbose = 0});
  CHECK(part.weight("dense/kernel") == before);
  CHECK(twins.weight("dense/kernel") != before);
  CHECK(twins.predict({samples, samples})[0].norm() == 0);
}

TEST_CASE("models of several inputs and outputs may be called, and models in them") {
  const Symbol a = input(2), b = input(3);
  const Symbol joint = trained_part()(b);
  const Model inner({a, b}, {add({a, joint}), dense(1)(joint)}, "inner");
  const Symbol x = input(2), y = input(3);
  const std::vector<Symbol> both = inner({dense(2)(x), y});
  const Model outer({x, y}, {concatenate(both)});
  const Matrix left = random_matrix(5, 2, -1, 1, Random(3)), right = random_matrix(5, 3, -1, 1, Random(4));
  const auto first = Sequential{input(2), dense(2)};
  Model before = first;
  before.weight("dense/kernel") = outer.weight(outer.weight_names()[0]);
  const std::vector<Matrix> expected = inner.predict({before.predict(left), right});
  const Matrix got = outer.predict({left, right})[0];
  CHECK(got.leftCols(2).isApprox(expected[0]));
  CHECK(got.rightCols(1).isApprox(expected[1]));
  CHECK_THROWS_WITH(inner(x), "model \"inner\": has 2 outputs; pass a vector of its inputs");
  CHECK_THROWS_WITH(inner(std::vector<Symbol>{x}), "model \"inner\": expected 2 inputs, got 1");
  CHECK_THROWS_WITH(inner({x, x}), "model \"inner\": expected samples of 3 in input 1, got 2");
  CHECK_THROWS_WITH((Sequential{input(3), inner}),
                    "Sequential: expected layers and chains, got \"inner\", which is a graph; call it on an input");
}

TEST_CASE("a frozen model is frozen in others, and in the summary") {
  Model part = trained_part();
  part.set_trainable(false);
  CHECK(part.network().parameters().trainable_count() == 0);
  auto model = Sequential{part, dense(1)};
  CHECK(model.network().parameters().trainable_count() == 3);
  CHECK(model.summary().find("Trainable params: 3 ") != std::string::npos);
  model.compile({.loss = mean_squared_error});
  model.fit(samples, Matrix::Ones(10, 1), {.verbose = 0});
  for (const std::string& name : part.weight_names()) CHECK(model.weight(name) == part.weight(name));
}

TEST_CASE("layers may be frozen and thawed after the model was made") {
  for (bool chain : {true, false}) {
    Model model = trained_part();
    if (!chain) {
      const Symbol x = input(3);
      model = Model(x, model(x));
      model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
    }
    const Matrix expected = model.predict(samples);
    model.set_trainable("dense", false);
    CHECK(model.network().graph().is_chain() == chain);
    CHECK(model.predict(samples) == expected);
    CHECK(model.optimizer_state().step == 0);
    const Matrix frozen = model.weight("dense/kernel"), free = model.weight("dense_1/kernel");
    model.fit(samples, Matrix::Ones(10, 2), {.verbose = 0});
    CHECK(model.weight("dense/kernel") == frozen);
    CHECK(model.weight("dense_1/kernel") != free);
    model.set_trainable("dense", true);
    model.fit(samples, Matrix::Ones(10, 2), {.verbose = 0});
    CHECK(model.weight("dense/kernel") != frozen);
  }
  Model model = trained_part();
  CHECK_THROWS_WITH(model.set_trainable("dens", false),
                    "set_trainable: there is no layer \"dens\"; there are input_layer, dense, batch_normalization, "
                    "dense_1");
}

TEST_CASE("weights are got and set, all or by name") {
  const Model from = trained_part();
  auto to = Sequential{input(3), dense(4, relu), BatchNormalization{}, dense(2, Tanh{})};
  CHECK(from.weight_names() == std::vector<std::string>{"dense/kernel", "dense/bias", "batch_normalization/gamma",
                                                        "batch_normalization/beta", "batch_normalization/moving_mean",
                                                        "batch_normalization/moving_variance", "dense_1/kernel",
                                                        "dense_1/bias"});
  to.set_weights(from.get_weights());
  CHECK(to.predict(samples) == from.predict(samples));
  to.weight("dense_1/bias")(0, 1) += 1;
  CHECK(to.weight("dense_1/bias")(0, 1) == from.weight("dense_1/bias")(0, 1) + 1);
  std::vector<Matrix> wrong = from.get_weights();
  wrong[6] = Matrix::Zero(2, 4);
  const std::vector<Matrix> before = to.get_weights();
  CHECK_THROWS_WITH(to.set_weights(wrong), "set_weights: expected 4 x 2 numbers for \"dense_1/kernel\", got 2 x 4");
  wrong.pop_back();
  CHECK_THROWS_WITH(to.set_weights(wrong), "set_weights: expected 8 weights, got 7");
  CHECK(to.get_weights() == before);
  CHECK_THROWS_WITH(to.weight("dense/bia"),
                    Catch::Matchers::StartsWith("no weight is called \"dense/bia\"; there are "));
}
