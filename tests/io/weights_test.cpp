// Weights alone: into models built in code, and out of them.
#include "maas/io/weights.hpp"

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

const std::string folder = MAAS_FIXTURES_DIR "/io";

// The model of make_weights.py, with weights of its own.
Model keras_model() {
  Model model = Sequential{input(4), dense(5, Tanh{}).named("zz"), Layer(BatchNormalization{}).named("norm").frozen(),
                           dense(5, relu).named("aa"), dense(1).named("end")};
  model.initialize(3);
  return model;
}

bool same_weights(const Model& a, const Model& b) {
  return a.network().parameters().values() == b.network().parameters().values();
}

}  // namespace

TEST_CASE("weights that Keras wrote go into a model built in code") {
  const Matrix x = read_numbers(folder + "/weights.inputs.csv"), y = read_numbers(folder + "/weights.expected.csv");
  for (const char* name : {"/model.weights.h5", "/old_weights.h5"})
    for (const bool by_name : {false, true}) {
      INFO(name << (by_name ? " by name" : ""));
      Model model = keras_model();
      CHECK(difference(model.predict(x), y) > 1e-3);
      CHECK(model.load_weights(folder + name, {.by_name = by_name}).empty());
      CHECK(difference(model.predict(x), y) <= 1e-6);
    }
}

TEST_CASE("weights of whole models do, too") {
  const std::string whole = MAAS_FIXTURES_DIR "/resume/adam";
  for (const char* ending : {".keras", ".k2.h5", ".k3.h5"}) {
    INFO(ending);
    const Model saved = load_model(whole + ending);
    Model model(Network(saved.network().graph()));
    model.initialize(5);
    CHECK_FALSE(same_weights(model, saved));
    CHECK(model.load_weights(whole + ending).empty());
    CHECK(same_weights(model, saved));
  }
}

TEST_CASE("weights that are written come back, to the last bit, and the same weights give the same bytes") {
  const Model model = keras_model();
  for (const char* name : {"written.weights.h5", "written.h5"}) {
    const Removed file{name};
    model.save_weights(name);
    const std::string bytes = bytes_of(name);
    Model other = keras_model();
    other.initialize(4);
    CHECK_FALSE(same_weights(other, model));
    CHECK(other.load_weights(name).empty());
    CHECK(same_weights(other, model));
    other.save_weights(name);
    CHECK(bytes_of(name) == bytes);
    CHECK_THROWS_WITH(load_model(name), Catch::Contains("holds weights only, expected a whole model"));
  }
}

TEST_CASE("optimizer state stays where it is when weights are loaded") {
  Model model = keras_model();
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  model.fit(Matrix::Random(8, 4), Matrix::Random(8, 1), {.epochs = 1, .verbose = 0});
  const Vector momentum = model.optimizer_state().slot(0);
  model.load_weights(folder + "/model.weights.h5");
  CHECK(model.optimizer_state().step == 1);
  CHECK(Vector(model.optimizer_state().slot(0)) == momentum);
}

TEST_CASE("by name, layers that one side alone has stay out of it") {
  for (const char* name : {"/model.weights.h5", "/old_weights.h5"}) {
    INFO(name);
    Model model =
        Sequential{input(4), dense(5, Tanh{}).named("zz"), dense(5, relu).named("new"), dense(1).named("end")};
    const Matrix before = model.weight("new/kernel");
    const std::vector<std::string> left = model.load_weights(folder + name, {.by_name = true});
    CHECK(left == std::vector<std::string>{"layer \"new\": the file has none of that name"});
    Model whole = keras_model();
    whole.load_weights(folder + name);
    CHECK(Matrix(model.weight("zz/kernel")) == Matrix(whole.weight("zz/kernel")));
    CHECK(Matrix(model.weight("end/kernel")) == Matrix(whole.weight("end/kernel")));
    CHECK(Matrix(model.weight("new/kernel")) == before);
  }
}

TEST_CASE("weights that do not fit are refused, or left out if asked, and nothing else has changed") {
  for (const char* name : {"/model.weights.h5", "/old_weights.h5"}) {
    INFO(name);
    Model model = Sequential{input(4), dense(5, Tanh{}).named("zz"), Layer(BatchNormalization{}).named("norm"),
                             dense(6, relu).named("aa"), dense(1).named("end")};
    const Vector before = model.network().parameters().values();
    CHECK_THROWS_WITH(model.load_weights(folder + name),
                      Catch::StartsWith(folder + name + ": weight aa/kernel: expected 5x6, got 5x5 (dataset "));
    CHECK(Vector(model.network().parameters().values()) == before);
    const std::vector<std::string> left = model.load_weights(folder + name, {.skip_mismatch = true});
    REQUIRE(left.size() == 2);
    CHECK_THAT(left[0], Catch::StartsWith("weight aa/kernel: expected 5x6, got 5x5"));
    CHECK_THAT(left[1], Catch::StartsWith("weight end/kernel: expected 6x1, got 5x1"));
    Model whole = keras_model();
    whole.load_weights(folder + name);
    CHECK(Matrix(model.weight("zz/kernel")) == Matrix(whole.weight("zz/kernel")));
    CHECK(Matrix(model.weight("norm/moving_mean")) == Matrix(whole.weight("norm/moving_mean")));
  }
}

TEST_CASE("other numbers of layers are refused") {
  Model shorter = Sequential{input(4), dense(5, Tanh{}), dense(1)};
  CHECK_THROWS_WITH(shorter.load_weights(folder + "/old_weights.h5"),
                    folder + "/old_weights.h5: expected the weights of 2 layers, got those of 4");
  Model longer = Sequential{input(4), dense(5), dense(5), dense(5), dense(1)};
  CHECK_THROWS_WITH(longer.load_weights(folder + "/model.weights.h5"),
                    Catch::Contains("weight dense_2/kernel: expected 5x5, got 5x1"));
}

TEST_CASE("what holds no weights says so") {
  Model model = keras_model();
  const Removed file{"other.h5"};
  {
    io::Hdf5Writer writer(file.path, file.path);
    writer.group("numbers");
    writer.close();
  }
  CHECK_THROWS_WITH(model.load_weights(file.path), "other.h5: holds no weights of Keras'");
  write_bytes(file.path, "text");
  CHECK_THROWS_WITH(model.load_weights(file.path),
                    "other.h5: is neither an HDF5 file nor a zip archive (its first bytes are others)");
  CHECK_THROWS_WITH(model.save_weights("weights.keras"),
                    "weights.keras: a .keras archive holds a whole model; Model::save writes it");
}

TEST_CASE("stores of Keras 2.12 to 2.14 are found by the way they count") {
  // They call the group otherwise, and count everything with weights twice.
  const Removed file{"old.weights.h5"};
  const Model model = Sequential{input(3), dense(2), dropout(0.5), dense(2), dense(2)};
  {
    io::Hdf5Writer writer(file.path, file.path);
    Index number = 0;
    for (const char* slot : {"dense", "dense_2", "dense_4"}) {
      const std::string vars = std::string("_layer_checkpoint_dependencies/") + slot + "/vars";
      writer.group(vars);
      const std::string layer = number == 0 ? "dense" : "dense_" + std::to_string(number);
      const Matrix kernel = model.weight(layer + "/kernel"), bias = Matrix::Constant(1, 2, static_cast<Scalar>(number));
      writer.floats(vars + "/0", {kernel.rows(), kernel.cols()}, kernel.data());
      writer.floats(vars + "/1", {2}, bias.data());
      ++number;
    }
    writer.close();
  }
  Model read(Network(model.network().graph()));
  read.initialize(9);
  CHECK(read.load_weights(file.path).empty());
  for (const char* weight : {"dense/kernel", "dense_1/kernel", "dense_2/kernel"})
    CHECK(Matrix(read.weight(weight)) == Matrix(model.weight(weight)));
  CHECK(read.weight("dense_2/bias")(0, 0) == 2);
}
