// Losses of the whole batch, under weights and reductions, as Keras has them.
#include "maas/losses/losses.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/keras_json.hpp"

using namespace maas;

TEST_CASE("losses of the whole batch count weights as Keras does, in every reduction") {
  const Config keras = tests::keras_json("overlap.json");
  const Matrix y = tests::matrix_of(keras.at("y")), p = tests::matrix_of(keras.at("p"));
  const Matrix weights = tests::matrix_of(keras.at("weights"));
  const ConstMatrixView target(y.data(), y.rows(), y.cols()), predicted(p.data(), p.rows(), p.cols());
  CHECK(keras.at("results").as_object().size() == 12);
  for (const auto& [name, result] : keras.at("results").as_object()) {
    INFO(name);
    Loss loss = mean_squared_error;
    from_config(result, name, loss);
    const bool weighted = result.at("weighted").as_bool();
    const ConstVectorView w(weighted ? weights.data() : nullptr, weighted ? weights.size() : 0);
    Vector scratch(y.rows());
    const double value = loss.mean(predicted, target, w, VectorView(scratch.data(), scratch.size()));
    CHECK(value == Approx(result.at("value").as_real()).epsilon(tests::is_double ? 1e-12 : 1e-5));
    Matrix gradient(y.rows(), y.cols());
    loss.mean_gradient(predicted, target, w, MatrixView(gradient.data(), gradient.rows(), gradient.cols()));
    CHECK(tests::difference(gradient, tests::matrix_of(result.at("gradient"))) == "");
  }
}
