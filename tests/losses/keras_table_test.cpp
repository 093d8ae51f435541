// Every case of the table of losses that Keras computed.
#include <set>

#include "maas/losses/losses.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/skip.hpp"
#include "support/table.hpp"

using namespace maas;
using tests::difference;

namespace {

ConstMatrixView view(const Matrix& m) { return {m.data(), m.rows(), m.cols()}; }
ConstVectorView vector_view(const Matrix& m) { return {m.data(), m.size()}; }

/// The loss of a case; nothing if maas has not that class or option.
std::optional<Loss> loss_of(const tests::Table& table, const std::string& name) {
  Loss loss = mean_squared_error;
  try {
    from_config(Config{}.set("class_name", table.text(name, "class")).set("config", table.json(name, "arguments")),
                name, loss);
  } catch (const ConfigError&) {
    return std::nullopt;
  }
  return loss;
}

void check_case(const tests::Table& table, const std::string& name, const Loss& loss) {
  auto numbers = [&](const std::string& dataset) { return table.rows(name + "/" + dataset); };
  const Matrix predicted = numbers("y_pred");
  Matrix target = numbers("y_true");
  target.resize(predicted.rows(), target.size() / predicted.rows());
  auto row_numbers = [&](const std::string& dataset) {
    Matrix m = numbers(dataset);
    m.resize(m.size(), 1);
    return m;
  };

  Vector values(predicted.rows());
  loss.values(view(predicted), view(target), VectorView(values.data(), values.size()));
  CHECK(difference(values, row_numbers("per_sample")) == "");
  for (const std::string weighted : {"", "_weighted"}) {
    if (!table.contains(name, "sum_over_batch_size" + weighted)) continue;
    INFO("with weights: " << weighted);
    const Matrix weights = weighted.empty() ? Matrix(0, 1) : row_numbers("weights" + weighted);
    const double mean =
        loss.mean(view(predicted), view(target), vector_view(weights), VectorView(values.data(), values.size()));
    CHECK(difference(Matrix::Constant(1, 1, static_cast<Scalar>(mean)), numbers("sum_over_batch_size" + weighted)) ==
          "");
    Matrix gradient(predicted.rows(), predicted.cols());
    loss.mean_gradient(view(predicted), view(target), vector_view(weights),
                       MatrixView(gradient.data(), gradient.rows(), gradient.cols()));
    CHECK(difference(gradient, numbers("gradient" + weighted)) == "");
  }
}

}  // namespace

TEST_CASE("losses give Keras' values, means and gradients") {
  if (tests::skipped_without("losses.h5")) return;
  const tests::Table table("losses.h5");
  std::set<std::string> classes, missing;
  for (const std::string& name : table.members("")) {
    INFO(name);
    const std::optional<Loss> loss = loss_of(table, name);
    if (!loss) {
      missing.insert(name);
      continue;
    }
    // In float 1 - 1e-7 is another number: there the table's double is no reference.
    if (!tests::is_double && name.ends_with("_edge")) continue;
    check_case(table, name, *loss);
    classes.insert(std::string(loss->class_name()));
  }
  CHECK(classes.size() >= 15);
  for (const std::string& name : missing) WARN("not in maas: " << name << " " << table.text(name, "class"));
  CHECK(missing.size() <= 8);
}
