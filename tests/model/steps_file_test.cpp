// Every step with what it has learned, in files of models: what comes back does the same, to the bit.
#include <bit>
#include <cstdio>

#include "data/step_cases.hpp"
#include "maas/layers/layers.hpp"
#include "maas/model/load.hpp"
#include "maas/model/sequential.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// The features that the step leaves of "a", "b" and "kind", and of "t" where it makes numbers of it.
std::vector<std::string> features_behind(const Step& fitted) {
  std::vector<std::string> features;
  for (const char* name : {"a", "kind", "b", "t"}) {
    if (std::string(name) == "t" && fitted.class_name() != "TimeFeatures") continue;
    if (!fitted.outputs_of(name).empty()) features.push_back(name);
  }
  if (const Lag* lag = fitted.as<Lag>())
    for (const Index rows : lag->lags) features.push_back(lag->columns[0] + "_lag_" + std::to_string(rows));
  return features;
}

/// A small model whose pipeline has learned the step; texts that it leaves become numbers behind it.
Model model_with(const Step& step) {
  PipelineOptions options{
      .steps = {step}, .features = features_behind(step.fit(case_training())), .out_of_range = OutOfRange::pass};
  if (!step.encodes()) options.steps.push_back(OneHot{.columns = {"kind"}, .unseen = Unseen::ignore});
  Pipeline pipeline(options);
  pipeline.fit(case_training());
  Model model = Sequential{input(static_cast<Index>(pipeline.feature_names().size())), dense(3, Tanh{}), dense(1)};
  model.info().pipeline = std::move(pipeline);
  return model;
}

template <class Bits, class Numbers>
std::vector<Bits> bits_of(const Numbers& numbers) {
  std::vector<Bits> bits;
  for (const auto number : numbers) bits.push_back(std::bit_cast<Bits>(number));
  return bits;
}

using ScalarBits = std::conditional_t<sizeof(Scalar) == 8, std::uint64_t, std::uint32_t>;

std::vector<ScalarBits> bits_of(const Matrix& matrix) {
  return bits_of<ScalarBits>(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())));
}

/// The same columns with the same bits, those of missing numbers, too.
void check_same(const Table& got, const Table& expected) {
  REQUIRE(got.names() == expected.names());
  for (const std::string& name : expected.names()) {
    CAPTURE(name);
    const Column &column = got.column(name), &other = expected.column(name);
    CHECK(column.type == other.type);
    CHECK(bits_of<std::uint64_t>(column.numbers) == bits_of<std::uint64_t>(other.numbers));
    CHECK(column.texts == other.texts);
  }
}

}  // namespace

TEST_CASE("every step comes back from files of models with all it has learned, and makes the same bits") {
  const Table later = case_later();
  for (const StepCase& each : step_cases()) {
    const Model model = model_with(each.step);
    const Pipeline& before = *model.info().pipeline;
    CHECK(before.steps()[0].is_fitted());
    for (const char* file : {"step.h5", "step.keras"}) {
      CAPTURE(file, to_config(each.step).text());
      model.save(file);
      const Model loaded = load_model(file);
      std::remove(file);
      REQUIRE(loaded.info().pipeline);
      const Pipeline& after = *loaded.info().pipeline;
      CHECK(after == before);
      CHECK(after.steps()[0] == each.step.fit(case_training()));
      CHECK(after.needed_columns() == before.needed_columns());
      // The step alone with every column, then all of the pipeline, then the model.
      const Step &step = before.steps()[0], &again = after.steps()[0];
      const Table applied = step.apply(later);
      check_same(again.apply(later), applied);
      check_same(again.invert(applied, &later), step.invert(applied, &later));
      CHECK(again.kept_rows(later) == step.kept_rows(later));
      check_same(after.prepare(later), before.prepare(later));
      CHECK(bits_of(after.apply(later)) == bits_of(before.apply(later)));
      CHECK(after.samples(later).rows == before.samples(later).rows);
      CHECK(bits_of(loaded.predict(later)) == bits_of(model.predict(later)));
    }
  }
}

TEST_CASE("a file holds what a step has learned, and not what it would learn of other rows") {
  // Else the test above would pass with steps that learn again when they are read.
  for (const StepCase& each : step_cases()) {
    if (each.step.is_fitted()) continue;  // it learns nothing
    CAPTURE(each.step.class_name());
    model_with(each.step).save("step.keras");
    const Step again = load_model("step.keras").info().pipeline->steps()[0];
    std::remove("step.keras");
    CHECK(again.is_fitted());
    check_same(again.fit(case_later()).apply(case_later()), each.step.fit(case_training()).apply(case_later()));
  }
}
