// Every case of the table of losses that Keras computed.
#include <map>
#include <set>

#include "maas/losses/losses.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/skip.hpp"
#include "support/table.hpp"
#include "support/views.hpp"

using namespace maas;
using tests::difference;

namespace {

/// Cases that maas refuses, and why: see docs/keras-compatibility.md.
const std::map<std::string, std::string> refused = {{"cosine_axis1", "expected the axis -1"}};

using tests::view;

Config config_of(const tests::Table& table, const std::string& name) {
  return Config{}.set("class_name", table.text(name, "class")).set("config", table.json(name, "arguments"));
}

/// One case: predictions and targets as rows of what the loss takes.
class Case {
 public:
  Case(const tests::Table& table, std::string name, Loss loss)
      : table_(table), name_(std::move(name)), loss_(std::move(loss)), predicted_(numbers("y_pred")) {
    const std::vector<Index> sizes = table.dimensions(name_ + "/y_pred");
    Shape sample;
    for (std::size_t i = 1; i < sizes.size(); ++i) sample.append(sizes[i]);
    loss_.check_output(sample);
    const Index width = loss_.row_width(sample), rows = predicted_.size() / width;
    predicted_.resize(rows, width);
    target_ = numbers("y_true");
    target_.resize(rows, target_.size() / rows);
    REQUIRE(target_.cols() == loss_.target_columns(width));
  }

  /// All results for weights of one kind: "" none, "_weighted" one a row, "_sample_weighted" one a sample.
  void check(const std::string& kind) const {
    if (!has("sum_over_batch_size" + kind)) return;
    INFO("weights: " << kind);
    const Vector weights = weights_of(kind);
    for (const char* reduction : {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"}) {
      INFO(reduction);
      CHECK(difference(Matrix::Constant(1, 1, static_cast<Scalar>(mean(reduction, weights))),
                       numbers(reduction + kind)) == "");
    }
    check_gradient("sum_over_batch_size", weights, "gradient" + kind);
    if (has("gradient_mean" + kind)) check_gradient("mean_with_sample_weight", weights, "gradient_mean" + kind);
    check_values(weights, kind.empty() ? "per_sample" : "none" + kind);
  }

 private:
  Matrix numbers(const std::string& dataset) const { return table_.rows(name_ + "/" + dataset); }
  bool has(const std::string& dataset) const { return table_.contains(name_, dataset); }

  /// One a row or one a sample.
  Vector weights_of(const std::string& kind) const {
    if (kind.empty()) return {};
    const Matrix given = numbers("weights" + kind);
    return Eigen::Map<const Vector>(given.data(), given.size());
  }
  double mean(const std::string& reduction, const Vector& weights) const {
    Vector scratch(predicted_.rows());
    return loss_.reduced(reduction).mean(view(predicted_), view(target_),
                                         ConstVectorView(weights.data(), weights.size()),
                                         VectorView(scratch.data(), scratch.size()));
  }
  void check_gradient(const std::string& reduction, const Vector& weights, const std::string& dataset) const {
    INFO(dataset);
    Matrix gradient(predicted_.rows(), predicted_.cols());
    loss_.reduced(reduction).mean_gradient(view(predicted_), view(target_),
                                           ConstVectorView(weights.data(), weights.size()),
                                           MatrixView(gradient.data(), gradient.rows(), gradient.cols()));
    Matrix expected = numbers(dataset);
    expected.resize(gradient.rows(), gradient.cols());
    CHECK(difference(gradient, expected) == "");
  }
  /// The values of rows times their weights; a loss of the whole batch has one value, which every row has here.
  void check_values(const Vector& weights, const std::string& dataset) const {
    Vector values(predicted_.rows());
    loss_.values(view(predicted_), view(target_), VectorView(values.data(), values.size()));
    if (weights.size() > 0)
      for (Index row = 0; row < values.size(); ++row)
        values[row] *= weights[row * weights.size() / values.size()] * loss_.share(view(target_), row);
    Matrix expected = numbers(dataset);
    expected.resize(expected.size(), 1);
    if (expected.size() == 1) expected = Matrix::Constant(values.size(), 1, expected(0));
    CHECK(difference(values, expected) == "");
  }

  const tests::Table& table_;
  std::string name_;
  Loss loss_;
  Matrix predicted_, target_;
};

}  // namespace

TEST_CASE("losses give Keras' values, reductions and gradients") {
  if (tests::skipped_without("losses.h5")) return;
  const tests::Table table("losses.h5");
  std::set<std::string> classes;
  for (const std::string& name : table.members("")) {
    INFO(name);
    Loss loss = mean_squared_error;
    if (const auto found = refused.find(name); found != refused.end()) {
      CHECK_THROWS_WITH(from_config(config_of(table, name), name, loss),
                        Catch::Matchers::ContainsSubstring(found->second));
      continue;
    }
    from_config(config_of(table, name), name, loss);
    classes.insert(std::string(loss.class_name()));
    // In float 1 - 1e-7 is another number: there the table's double is no reference.
    if (!tests::is_double && name.ends_with("_edge")) continue;
    const Case one(table, name, loss);
    for (const char* kind : {"", "_weighted", "_sample_weighted"}) one.check(kind);
  }
  for (const auto& entry : BuiltinLosses::entries()) {
    const bool only_here = entry.class_name == "QuantileLoss" || entry.class_name == "Masked";
    INFO(entry.class_name);
    CHECK((only_here || classes.count(std::string(entry.class_name)) == 1));
  }
}
