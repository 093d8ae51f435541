#include "fuzz/seeds.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "maas/maas.hpp"

namespace maas::inline MAAS_ABI::fuzz {

namespace {

std::string bytes_of(const Model& model, const std::string& ending, KerasProfile profile) {
  const std::string path = "seed-" + std::to_string(::getpid()) + ending;
  model.save(path, {.profile = profile});
  std::ifstream stream(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  ::unlink(path.c_str());
  return bytes;
}

// Every step that a file may name; any number passes, so that it is prepared whatever the target gives it.
Pipeline long_pipeline() {
  Table table;
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 3600, 7200}});
  table.add({.name = "k", .type = ColumnType::text, .texts = {"a", "b", "a"}});
  table.add({.name = "x", .numbers = {1, 2, 4}});
  table.add({.name = "y", .numbers = {3, 1, 2}});
  Pipeline pipeline(
      {.steps = {Impute{}, ClipOutliers{}, Lag{.columns = {"x"}}, TimeFeatures{.holidays = {"2024-01-01"}},
                 Ordinal{.unseen = Unseen::ignore}, Difference{.columns = {"y"}}, Log{.columns = {"x"}, .offset = 9},
                 Power{}, Robust{}, MinMax{}, Standard{}, Drop{.columns = {"t_day_sin"}}, DropMissingRows{}},
       .features = {"x_lag_1", "k"},
       .targets = {"y"},
       .out_of_range = OutOfRange::pass});
  return pipeline.fit(table);
}

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(Sequential{input(2), dense(2, relu), dense(1, sigmoid)});
  all.back().compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  all.back().fit(Matrix::Ones(4, 2), Matrix::Ones(4, 1), {.verbose = 0});
  all.back().info().pipeline = long_pipeline();
  all.push_back(Sequential{input(Shape{3, 2}), Masking{}, BatchNormalization{}, Permute{{2, 1}}, Reshape{{6}},
                           LeakyReLU{}, Dropout{}, dense(2)});
  const Input a = input(Shape{4}, "a"), b = input(Shape{4}, "b");
  const Layer twice = dense(3, Tanh{});
  const Symbol joint = concatenate({add({twice(a), twice(b)}), twice(a)});
  all.push_back(Model({a, b}, {Layer(dense(1))(joint), Layer(LayerNormalization{})(joint)}));
  all.push_back(
      Sequential{input(3), Embedding{.input_dim = 5, .output_dim = 2, .mask_zero = true}, flatten(), dense(1)});
  return all;
}

}  // namespace

std::vector<std::string> seed_files() {
  std::vector<std::string> files;
  for (const Model& model : models()) {
    files.push_back(bytes_of(model, ".h5", KerasProfile::automatic));
    files.push_back(bytes_of(model, ".keras", KerasProfile::automatic));
    files.push_back(bytes_of(model, ".keras", KerasProfile::combined));
    files.push_back(io::write_json(io::write_network(model.network().graph(), "model", {.modules = true})));
    files.push_back(io::write_json(io::write_network(model.network().graph(), "model", {})));
  }
  files.push_back(bytes_of(models()[0], ".h5", KerasProfile::keras_2));
  return files;
}

}  // namespace maas::inline MAAS_ABI::fuzz
