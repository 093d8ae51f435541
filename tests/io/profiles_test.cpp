// What is written for whom: the forms of a file.
#include "fixtures.hpp"
#include "io/json.hpp"
#include "io/zip_archive.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

Model trained_model() {
  Model model = Sequential{input(4), dense(5, Tanh{}), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy, .metrics = {accuracy}});
  Matrix x(16, 4);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<Scalar>(i % 7) / 7;
  model.fit(x, Matrix::Constant(16, 1, 1), {.epochs = 2, .batch_size = 8, .verbose = 0});
  return model;
}

// A graph of two inputs, a layer called twice, and sums.
Model graph_model() {
  const Input left = input(Shape{4}, "left"), right = input(Shape{4}, "right");
  const Layer twice = dense(4, relu).named("twice");
  const Symbol sum = add({twice(left), twice(right)});
  return Model({left, right}, {dense(1).named("first")(sum), dense(2).named("second")(sum)});
}

Config archived_config(const std::string& path) {
  const io::ZipReader archive(io::open_bytes(path), path);
  const io::BytesPointer bytes = archive.member("config.json", 1 << 20);
  return io::parse_json(bytes->text(0, static_cast<std::size_t>(bytes->size()), path), path);
}

io::Hdf5Reader store_of(const std::string& path) {
  const io::ZipReader archive(io::open_bytes(path), path);
  return io::Hdf5Reader(archive.member("model.weights.h5", 1 << 20), path);
}

bool same_bits(const Model& a, const Model& b) {
  return a.network().parameters().values() == b.network().parameters().values();
}

}  // namespace

TEST_CASE("an archive for Keras 3 is what Keras 3 writes itself") {
  const Removed file{"new.keras"};
  trained_model().save(file.path);
  {
    const io::ZipReader archive(io::open_bytes(file.path), file.path);
    CHECK(archive.names() == std::vector<std::string>{"metadata.json", "config.json", "model.weights.h5"});
  }
  const Config config = archived_config(file.path);
  CHECK(config.at("module") == Config("keras"));
  CHECK(config.at("class_name") == Config("Sequential"));
  const Config& layers = config.at("config").at("layers");
  CHECK(layers.as_list()[0].at("config").contains("batch_shape"));
  CHECK(layers.as_list()[1].at("module") == Config("keras.layers"));
  CHECK(layers.as_list()[1].at("build_config").text() == R"({"input_shape": [null, 4]})");
  const Config& optimizer = config.at("compile_config").at("optimizer");
  CHECK(optimizer.at("module") == Config("keras.optimizers"));
  CHECK(optimizer.at("config").at("learning_rate") == Config(0.01));
  const io::Hdf5Reader store = store_of(file.path);
  CHECK(store.members("layers") == std::vector<std::string>{"dense", "dense_1"});
  CHECK(store.dataset("layers/dense/vars/0").dimensions == std::vector<Index>{4, 5});
  // Iteration, rate, and both moments of each of the four weights, one weight after the other.
  CHECK(store.members("optimizer/vars").size() == 10);
  CHECK(store.read_number("optimizer/vars/0") == 4);
  CHECK(store.dataset("optimizer/vars/4").dimensions == std::vector<Index>{5});
  CHECK_FALSE(store.has_group("_layer_checkpoint_dependencies"));
}

TEST_CASE("layers and activations have what Keras 3 makes them from") {
  const Removed file{"taken.keras"};
  const Model model = Sequential{input(4), Discretization{.bin_boundaries = std::vector{0.0, 0.5}},
                                 dense(5, BoundedRelu{.max_value = 1.5}), dense(1, BoundedRelu{})};
  CHECK(model.save(file.path).empty());
  const Config config = archived_config(file.path);
  const Config::List& layers = config.at("config").at("layers").as_list();
  CHECK_FALSE(layers[1].at("config").contains("trainable"));
  const Config& clipped = layers[2].at("config").at("activation");
  CHECK(clipped.at("module") == Config("keras.layers"));
  CHECK(clipped.at("class_name") == Config("ReLU"));
  CHECK(clipped.at("config").at("max_value") == Config(1.5));
  CHECK(layers[3].at("config").at("activation").at("class_name") == Config("ReLU"));
  const Model loaded = load_model(file.path);
  for (Index i = 1; i < 4; ++i)
    CHECK(loaded.network().graph().layer(i).config() == model.network().graph().layer(i).config());
}

TEST_CASE("an archive for all is spelled as Keras 2 does, and its rate is a constant schedule") {
  const Removed file{"all.keras"};
  trained_model().save(file.path, {.profile = KerasProfile::any});
  const Config config = archived_config(file.path);
  CHECK(config.at("config").at("layers").as_list()[0].at("config").contains("batch_input_shape"));
  const Config& rate = config.at("compile_config").at("optimizer").at("config").at("learning_rate");
  CHECK(rate.at("class_name") == Config("ExponentialDecay"));
  CHECK(rate.at("config").at("decay_rate") == Config(1.0));
  const io::Hdf5Reader store = store_of(file.path);
  CHECK(store.members("optimizer/vars").size() == 9);
  CHECK(store.members("_layer_checkpoint_dependencies") == std::vector<std::string>{"dense", "dense_2"});
  CHECK(store.dataset("_layer_checkpoint_dependencies/dense_2/vars/0").dimensions == std::vector<Index>{5, 1});

  const Removed graph{"graph.keras"};
  graph_model().save(graph.path, {.profile = KerasProfile::any});
  CHECK(archived_config(graph.path).at("class_name") == Config("Model"));
  graph_model().save(graph.path);
  CHECK(archived_config(graph.path).at("class_name") == Config("Functional"));
}

TEST_CASE("every form gives the model back, training and all, and the same bytes when it is saved again") {
  struct Form {
    const char* name;
    KerasProfile profile;
  };
  for (const auto& [name, profile] :
       {Form{"form.h5", KerasProfile::any}, Form{"form.h5", KerasProfile::keras_2},
        Form{"form.h5", KerasProfile::combined}, Form{"form.keras", KerasProfile::any},
        Form{"form.keras", KerasProfile::keras_2}, Form{"form.keras", KerasProfile::keras_3},
        Form{"form.keras", KerasProfile::combined}, Form{"form", KerasProfile::any}}) {
    INFO(name << " " << static_cast<int>(profile));
    const Removed file{name};
    Model model = trained_model();
    model.save(name, {.profile = profile});
    const std::string bytes = bytes_of(name);
    Model loaded = load_model(name);
    CHECK(same_bits(loaded, model));
    CHECK(loaded.compile_options().optimizer == model.compile_options().optimizer);
    loaded.save(name, {.profile = profile});
    CHECK(bytes_of(name) == bytes);
    const Matrix x = Matrix::Random(8, 4), y = Matrix::Zero(8, 1);
    model.train_on_batch(x, y);
    loaded.train_on_batch(x, y);
    CHECK(same_bits(loaded, model));
    graph_model().save(name, {.profile = profile});
    CHECK(same_bits(load_model(name), graph_model()));
    CHECK(load_model(name).network().graph().names() == graph_model().network().graph().names());
  }
}

TEST_CASE("a combined file is an HDF5 file with an archive behind it") {
  const Removed file{"both.keras"};
  trained_model().save(file.path, {.profile = KerasProfile::combined});
  const io::BytesPointer bytes = io::open_bytes(file.path);
  CHECK(io::is_hdf5(*bytes));
  REQUIRE(io::hdf5_end(*bytes));
  CHECK(bytes->has(*io::hdf5_end(*bytes), "PK\x03\x04"));
  const io::Hdf5Reader h5(bytes, file.path);
  CHECK(h5.text("", "model_config"));
  CHECK(h5.has_group("optimizer_weights"));
  CHECK(archived_config(file.path).contains("compile_config"));
}

TEST_CASE("a combined file whose parts differ is refused") {
  const Removed one{"one.keras"}, two{"two.keras"};
  Model model = trained_model();
  model.save(one.path, {.profile = KerasProfile::combined});
  const std::string first = bytes_of(one.path);
  const std::size_t end = static_cast<std::size_t>(*io::hdf5_end(*io::open_bytes(one.path)));
  const Scalar kept = model.weight("dense/kernel")(0, 0);
  model.weight("dense/kernel")(0, 0) = kept + 1;
  model.save(two.path, {.profile = KerasProfile::combined});
  const std::string second = bytes_of(two.path);
  REQUIRE(first.size() == second.size());
  write_bytes(one.path, first.substr(0, end) + second.substr(end));
  CHECK_THROWS_WITH(load_model(one.path),
                    "one.keras: is HDF5 and a zip archive in one, and they hold different networks");
  model.weight("dense/kernel")(0, 0) = kept;
  model.optimizer_state().slot(0)[0] += Scalar(0.5);
  model.save(two.path, {.profile = KerasProfile::combined});
  const std::string third = bytes_of(two.path);
  write_bytes(one.path, first.substr(0, end) + third.substr(end));
  CHECK_THROWS_WITH(load_model(one.path),
                    "one.keras: is HDF5 and a zip archive in one, and they hold different training settings or state");
  write_bytes(one.path, first.substr(0, first.size() - 10));
  CHECK_THROWS_WITH(load_model(one.path), Catch::StartsWith("one.keras: is a zip archive that is cut off or damaged"));
}

TEST_CASE("profiles that a file cannot have are refused") {
  CHECK_THROWS_WITH(trained_model().save("model.h5", {.profile = KerasProfile::keras_3}),
                    "model.h5: Keras 3 cannot resume from any .h5; give the file a name that ends in .keras");
  Model lion = trained_model();
  lion.compile({.optimizer = Lion{}, .loss = binary_crossentropy});
  CHECK_THROWS_WITH(lion.save("model.keras", {.profile = KerasProfile::combined}),
                    Catch::Contains("optimizer Lion: Keras 2 cannot resume with it"));
  CHECK_FALSE(exists("model.keras"));
}

TEST_CASE("without the optimizer there are no training settings in any form") {
  for (const char* name : {"bare.h5", "bare.keras"})
    for (const KerasProfile profile : {KerasProfile::automatic, KerasProfile::combined}) {
      const Removed file{name};
      trained_model().save(name, {.profile = profile, .include_optimizer = false});
      CHECK_FALSE(load_model(name).is_compiled());
      CHECK(same_bits(load_model(name), trained_model()));
    }
}

TEST_CASE("a failed save of an archive leaves the old file whole") {
  const Removed file{"kept.keras"};
  trained_model().save(file.path);
  const std::string before = bytes_of(file.path);
  Model slash(Network{input(4), dense(1).named("a/b")}, "sequential");
  CHECK_THROWS_WITH(slash.save(file.path), "kept.keras: layer \"a/b\": a file cannot have a layer of this name");
  CHECK(bytes_of(file.path) == before);
}

TEST_CASE("the momenta that Keras 2.15 saves for an SGD without momentum are passed over beside averages") {
  const SavedModel saved = read_keras(MAAS_FIXTURES_DIR "/io/averages.k2.h5");
  CHECK(saved.warnings.empty());
  REQUIRE(saved.training);
  REQUIRE(saved.training->state);
  REQUIRE(saved.training->state->slot_count() == 1);
  const ConstVectorView averages = std::as_const(*saved.training->state).slot(0);
  CHECK(averages[0] == Approx(-0.64062035));
  CHECK(averages[1] == Approx(1.0661857));
  CHECK(averages.sum() == Approx(-0.64062035 + 1.0661857 + 0.04103104));  // the last is the bias, behind a gap of zeros
}
