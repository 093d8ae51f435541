#include "maas/initializers/initializers.hpp"

#include "maas/testing/check_part.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/skip.hpp"
#include "support/table.hpp"

using namespace maas;
using tests::difference;

namespace {

Vector drawn(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1) {
  Vector values = Vector::Constant(shape.size(), std::nan(""));
  initializer.fill(VectorView(values.data(), values.size()), shape, Random(seed));
  return values;
}

}  // namespace

TEST_CASE("every initializer fills all values, the same from the same stream") {
  for (const auto& entry : BuiltinInitializers::entries()) {
    INFO(entry.class_name);
    testing::check_entry(entry);
    const Initializer initializer = entry.make({});
    testing::check_family_config(initializer,
                                 initializer.class_name() == "Ones" ? Initializer(zeros) : Initializer(ones));
    const Vector values = drawn(initializer, {7, 5});
    CHECK(values.allFinite());
    CHECK(drawn(initializer, {7, 5}) == values);
    const std::string_view name = initializer.class_name();
    const bool fixed = name == "Zeros" || name == "Ones" || name == "Constant" || name == "Identity";
    CHECK((drawn(initializer, {7, 5}, 2) == values) == fixed);
  }
}

TEST_CASE("fans are Keras': two dimensions as they are, more with their receptive field") {
  auto fans = [](const Shape& shape) { return std::pair(fans_of(shape).in, fans_of(shape).out); };
  CHECK(fans({}) == std::pair(1.0, 1.0));
  CHECK(fans({7}) == std::pair(7.0, 7.0));
  CHECK(fans({3, 4}) == std::pair(3.0, 4.0));
  CHECK(fans({5, 3, 4}) == std::pair(15.0, 20.0));
  CHECK(fans({2, 3, 8, 16}) == std::pair(48.0, 96.0));
}

TEST_CASE("initializers keep the bounds and the spread of their formulas") {
  const Shape shape{300, 200};
  struct Expected {
    Initializer initializer;
    double limit, deviation;
  };
  // A normal distribution cut at two deviations keeps 0.8796 of its own; the formulas are of what is left.
  constexpr double cut = 0.87962566103423978;
  auto uniform = [](double variance) { return std::pair(std::sqrt(3 * variance), std::sqrt(variance)); };
  auto normal = [](double variance) { return std::pair(2 * std::sqrt(variance) / cut, std::sqrt(variance)); };
  const std::pair<Initializer, std::pair<double, double>> cases[] = {
      {glorot_uniform, uniform(2.0 / 500)}, {glorot_normal, normal(2.0 / 500)},  {he_uniform, uniform(2.0 / 300)},
      {he_normal, normal(2.0 / 300)},       {lecun_uniform, uniform(1.0 / 300)}, {lecun_normal, normal(1.0 / 300)}};
  for (const auto& [initializer, expected] : cases) {
    INFO(initializer.class_name());
    const Eigen::ArrayXd values = drawn(initializer, shape).cast<double>().array();
    const auto [limit, deviation] = expected;
    CHECK(values.abs().maxCoeff() <= limit * (1 + 1e-6));
    CHECK(values.abs().maxCoeff() >= limit * 0.99);
    CHECK(std::abs(values.mean()) < 5 * deviation / std::sqrt(6e4));
    CHECK(std::sqrt(values.square().mean()) == Approx(deviation).epsilon(0.02));
  }
}

TEST_CASE("initializers draw from Keras' distributions") {
  if (tests::skipped_without("initializers.h5")) return;
  const tests::Table table("initializers.h5");
  const Matrix probabilities = table.rows("probabilities");
  for (const std::string& name : table.members("random"))
    for (const std::string& which : table.members("random/" + name)) {
      INFO(name << ", " << which);
      const std::string group = "random/" + name + "/" + which;
      Initializer initializer = zeros;
      from_config(Config{}.set("class_name", table.text(group, "class")).set("config", table.json(group, "arguments")),
                  name, initializer);
      Shape shape;
      const Matrix dimensions = table.rows(group + "/shape");
      for (Index i = 0; i < dimensions.size(); ++i) shape.append(static_cast<Index>(dimensions(i)));
      std::vector<Scalar> values;
      for (std::uint64_t seed = 0; values.size() < 50000; ++seed) {
        const Vector more = drawn(initializer, shape, seed);
        values.insert(values.end(), more.begin(), more.end());
      }
      const Matrix quantiles = table.rows(group + "/quantiles");
      const double count = static_cast<double>(values.size());
      for (Index i = 0; i < quantiles.size(); ++i) {
        const double p = static_cast<double>(probabilities(i));
        const double below =
            static_cast<double>(std::ranges::count_if(values, [&](Scalar v) { return v <= quantiles(i); })) / count;
        INFO("the " << p << " quantile");
        CHECK(std::abs(below - p) <= 6 * std::sqrt(p * (1 - p) / count) + 1e-3);
      }
    }
}

TEST_CASE("initializers without chance give Keras' values") {
  if (tests::skipped_without("initializers.h5")) return;
  const tests::Table table("initializers.h5");
  for (const std::string& name : table.members("fixed")) {
    INFO(name);
    const std::string group = "fixed/" + name;
    Initializer initializer = zeros;
    from_config(Config{}.set("class_name", table.text(group, "class")).set("config", table.json(group, "arguments")),
                name, initializer);
    Shape shape;
    for (Index dimension : table.dimensions(group + "/value")) shape.append(dimension);
    Matrix expected = table.rows(group + "/value");
    expected.resize(expected.size(), 1);
    CHECK(difference(drawn(initializer, shape), expected) == "");
  }
}

TEST_CASE("orthogonal weights have orthogonal columns, or rows if there are fewer") {
  for (const Shape& shape : {Shape{6, 4}, Shape{4, 6}, Shape{2, 3, 4}, Shape{5, 5}}) {
    INFO(shape.text());
    const Vector values = drawn(Orthogonal{.gain = 2}, shape);
    const Matrix w = Eigen::Map<const Matrix>(values.data(), shape.size() / shape.last(), shape.last());
    const Matrix gram = w.rows() >= w.cols() ? Matrix(w.transpose() * w) : Matrix(w * w.transpose());
    CHECK(difference(gram, 4 * Matrix::Identity(gram.rows(), gram.cols()), {0, tests::is_double ? 1e-12 : 1e-5}) == "");
  }
}

TEST_CASE("initializers are found by any of Keras' names, and unknown names are refused") {
  Initializer initializer = zeros;
  from_config("he_normal", "kernel_initializer", initializer);
  CHECK(initializer == Initializer(he_normal));
  from_config("HeNormal", "kernel_initializer", initializer);
  CHECK(initializer == Initializer(he_normal));
  CHECK_THROWS_WITH(from_config("he_wrong", "kernel_initializer", initializer),
                    Catch::Matchers::StartsWith(
                        "kernel_initializer: unknown initializer \"he_wrong\"; maas knows Zeros, Ones, Constant"));
}
