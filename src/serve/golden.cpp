#include "serve/golden.hpp"

#include <cmath>

#include "serve/folder.hpp"
#include "serve/prediction.hpp"
#include "serve/servable.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

struct Tolerances {
  double relative = 1e-4, absolute = 1e-6;
};

double tolerance(JsonView check, std::string_view name, double otherwise, const std::string& what) {
  const auto value = check.member(name);
  if (!value) return otherwise;
  require<DataError>(value->number() && *value->number() >= 0, "{}: expected \"{}\" to be a number of at least 0", what,
                     name);
  return *value->number();
}

bool agrees(Scalar got, Scalar expected, const Tolerances& tolerances) {
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  if (std::isinf(expected) || std::isinf(got)) return got == expected;
  const double difference = std::abs(static_cast<double>(got) - static_cast<double>(expected));
  return difference <= tolerances.absolute + tolerances.relative * std::abs(static_cast<double>(expected));
}

void compare(const std::string& what, const TensorInfo& output, const Matrix& got, const Matrix& expected,
             const Tolerances& tolerances) {
  require<DataError>(got.rows() == expected.rows(),
                     "{}: expected {} samples of output \"{}\", as there are inputs, got {}", what, got.rows(),
                     output.name, expected.rows());
  for (Index row = 0; row < got.rows(); ++row)
    for (Index i = 0; i < got.cols(); ++i)
      require<RefusedError>(agrees(got(row, i), expected(row, i), tolerances),
                            "{}: output \"{}\" of sample {}: expected {}, got {}", what, output.name, row,
                            expected(row, i), got(row, i));
}

JsonView member(JsonView check, std::string_view name, const std::string& what) {
  const auto value = check.member(name);
  require<DataError>(value.has_value(), "{}: expected \"{}\", got none", what, name);
  return *value;
}

void run_check(const Servable& servable, JsonView check, const std::string& what, const Limits& limits) {
  require<DataError>(check.kind() == JsonKind::object, "{}: expected an object, got {}", what, check.kind_name());
  const Tolerances tolerances{tolerance(check, "rtol", 1e-4, what), tolerance(check, "atol", 1e-6, what)};
  const auto inputs = columns_of({servable.inputs, "input", limits.rows}, member(check, "inputs", what), limits);
  const auto expected = columns_of({servable.outputs, "output", limits.rows}, member(check, "outputs", what), limits);
  for (const Matrix& input : inputs)
    require<DataError>(input.rows() == inputs[0].rows(), "{}: expected as many samples of each input, got others",
                       what);
  const std::vector<Matrix> got = servable.network.predict(inputs);
  for (std::size_t i = 0; i < got.size(); ++i) compare(what, servable.outputs[i], got[i], expected[i], tolerances);
}

}  // namespace

void check_golden(const Servable& servable, const std::string& path) {
  const Limits limits;
  const std::string text = content_within(path, limits.body_bytes);
  std::string what = path;
  try {
    const JsonDocument document(text, limits.json_depth, "");
    const JsonView root = document.root();
    require<DataError>(root.kind() == JsonKind::list && root.size() > 0, "expected a list of checks, got {}",
                       root.kind_name());
    std::size_t number = 0;
    root.for_each([&](JsonView check) {
      what = fmt::format("{}[{}]", path, number++);
      run_check(servable, check, what, limits);
    });
  } catch (const RefusedError&) {
    throw;
  } catch (const Error& error) {  // of its shapes, say: they must name the file, too
    const std::string_view text_of_it = error.what();
    if (text_of_it.starts_with(path)) throw;
    fail<DataError>("{}: {}", what, text_of_it);
  }
}

}  // namespace maas::inline MAAS_ABI::serve
