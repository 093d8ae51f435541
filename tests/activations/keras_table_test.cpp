// Every case of the table of activations that Keras computed.
#include <algorithm>
#include <numeric>

#include "maas/activations/activations.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/skip.hpp"
#include "support/table.hpp"
#include "support/views.hpp"

using namespace maas;
using tests::difference;

namespace {

using tests::view;
using tests::writable;

Activation activation_of(const std::string& function, const Config& arguments) {
  Activation activation = linear;
  // Keras' function relu takes arguments that here belong to the class of its layer.
  const bool has_arguments = !arguments.as_object().empty();
  const std::string name = function == "relu" && has_arguments ? "ReLU" : function;
  from_config(Config{}.set("class_name", name).set("config", arguments), function, activation);
  return activation;
}

/// In double y must be the table's; in float as near to it as Keras' own float, where that is off by more than
/// rounding.
void check_values(const Matrix& y, const tests::Table& table, const std::string& group, tests::Tolerance tolerance) {
  const Matrix exact = table.rows(group + "/y");
  if (tests::is_double) {
    CHECK(difference(y, exact, tolerance) == "");
    return;
  }
  const Matrix keras = table.rows(group + "/y32");
  for (Index i = 0; i < y.size(); ++i) {
    const Scalar wanted = exact.data()[i], allowed = std::abs(keras.data()[i] - wanted);
    INFO("number " << i << ", Keras' float " << keras.data()[i]);
    const tests::Tolerance near{tolerance.relative,
                                tolerance.absolute + (std::isfinite(allowed) ? 2 * static_cast<double>(allowed) : 0)};
    CHECK(difference(Matrix::Constant(1, 1, y.data()[i]), Matrix::Constant(1, 1, wanted), near) == "");
  }
}

/// Rows without equal numbers: at ties Keras' sparsemax gives zeros, or another of several slopes.
std::vector<Index> rows_without_ties(const Matrix& x) {
  std::vector<Index> rows;
  for (Index row = 0; row < x.rows(); ++row) {
    std::vector<Scalar> sorted(x.data() + row * x.cols(), x.data() + (row + 1) * x.cols());
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) == sorted.end()) rows.push_back(row);
  }
  return rows;
}

}  // namespace

TEST_CASE("element-wise activations give Keras' values and slopes") {
  if (tests::skipped_without("activations.h5")) return;
  const tests::Table table("activations.h5");
  const Matrix x = table.rows("x");
  for (const std::string& name : table.members("scalar")) {
    INFO(name);
    const std::string group = "scalar/" + name;
    const Activation activation = activation_of(table.text(group, "function"), table.json(group, "arguments"));
    Matrix y(x.rows(), 1), slope = Matrix::Ones(x.rows(), 1);
    activation.forward(view(x), writable(y));
    // TensorFlow holds a constant of this one as a float32, in double as well.
    const tests::Tolerance tolerance = name == "gelu_approximate" ? tests::Tolerance{1e-6, 1e-6} : tests::Tolerance{};
    check_values(y, table, group, tolerance);
    if (!tests::is_double) continue;  // a float beside a corner may be one on the other side of it
    activation.backward(view(x), view(std::as_const(y)), writable(slope));
    Matrix expected = table.rows(group + "/derivative");
    // The table's own leaky rectifiers have slope 1 at 0, since they were computed with a slope in double; plain
    // Keras has the negative slope there.
    if (name.starts_with("leaky_relu") || name == "relu_slope")
      for (Index i = 0; i < x.rows(); ++i)
        if (x(i) == 0) expected(i) = slope(i);
    CHECK(difference(slope, expected, tolerance) == "");
  }
}

TEST_CASE("activations on rows give Keras' values and gradients") {
  if (tests::skipped_without("activations.h5")) return;
  const tests::Table table("activations.h5");
  const Matrix x = table.rows("rows"), cotangent = table.rows("cotangent");
  const std::pair<const char*, Activation> cases[] = {
      {"rows_softmax", softmax}, {"rows_log_softmax", log_softmax}, {"rows_sparsemax", sparsemax}};
  for (const auto& [name, activation] : cases) {
    INFO(name);
    Matrix y = Matrix::Constant(x.rows(), x.cols(), 7), gradient = cotangent;
    activation.forward(view(x), writable(y));
    activation.backward(view(x), view(std::as_const(y)), writable(gradient));
    const Matrix values = table.rows(std::string(name) + (tests::is_double ? "/y" : "/y32")),
                 slopes = table.rows(std::string(name) + "/vjp");
    std::vector<Index> rows = rows_without_ties(x);
    REQUIRE(rows.size() >= 4);
    if (std::string_view(name) != "rows_sparsemax") {
      rows.resize(static_cast<std::size_t>(x.rows()));
      std::iota(rows.begin(), rows.end(), Index(0));
    }
    for (Index row : rows) {
      INFO("row " << row);
      CHECK(difference(y.row(row), values.row(row)) == "");
      CHECK(difference(gradient.row(row), slopes.row(row)) == "");
    }
  }
}

TEST_CASE("glu gives Keras' values and gradients") {
  if (tests::skipped_without("activations.h5")) return;
  const tests::Table table("activations.h5");
  const Matrix x = table.rows("rows"), cotangent = table.rows("cotangent").leftCols(3);
  Matrix y(x.rows(), x.cols() / 2), gradient(x.rows(), x.cols());
  Activation(glu).forward(view(x), writable(y));
  Activation(glu).halved_backward(view(x), view(cotangent), writable(gradient));
  CHECK(difference(y, table.rows(tests::is_double ? "rows_glu/y" : "rows_glu/y32")) == "");
  CHECK(difference(gradient, table.rows("rows_glu/vjp")) == "");
}

TEST_CASE("layers of activations have Keras' defaults") {
  if (tests::skipped_without("activations.h5")) return;
  const tests::Table table("activations.h5");
  const Matrix x = table.rows("x");
  const std::pair<const char*, Activation> cases[] = {
      {"elu", elu}, {"leaky_relu", LeakyRelu{.negative_slope = 0.3}}, {"relu", relu}};
  CHECK(table.members("layer").size() == std::size(cases));
  for (const auto& [name, activation] : cases) {
    INFO(name);
    Matrix y(x.rows(), 1);
    activation.forward(view(x), writable(y));
    CHECK(difference(y, table.rows("layer/" + std::string(name) + "/y")) == "");
  }
}

TEST_CASE("hard_sigmoid of Keras 2 is another function") {
  if (tests::skipped_without("activations.h5")) return;
  const tests::Table table("activations.h5");
  const Matrix x = table.rows("x");
  Matrix y(x.rows(), 1);
  Activation(keras2_hard_sigmoid).forward(view(x), writable(y));
  CHECK(difference(y, table.rows("tf_keras/hard_sigmoid/y")) == "");
}
