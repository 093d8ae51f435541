// What is saved comes back, to the last bit; and the same model gives the same file.
#include <unistd.h>

#include "fixtures.hpp"
#include "io/json.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

struct Samples {
  Matrix x = Matrix::Random(64, 6);
  Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
};

Model small_model(Optimizer optimizer) {
  auto model = Sequential{input(6), dense(16, relu), dropout(0.25), dense(5, Tanh{}), dense(1, sigmoid)};
  model.compile({.optimizer = std::move(optimizer), .loss = binary_crossentropy, .metrics = {accuracy}});
  return model;
}

// Two branches, a layer used twice and one that is frozen.
Model branched_model(Optimizer optimizer) {
  const Input in = input(Shape{6}, "readings");
  const Layer twice = dense(6, Tanh{}).named("twice"), held = dense(4, relu).named("held").frozen();
  const Symbol first = twice(in), second = twice(first);
  Model model(in, dense(1, sigmoid)(dropout(0.1)(held(second))));
  model.compile(
      {.optimizer = std::move(optimizer), .loss = binary_crossentropy, .metrics = {accuracy, MeanSquaredError{}}});
  return model;
}

bool same_bits(const Vector& a, const Vector& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}

bool same_state(const OptimizerState& a, const OptimizerState& b) {
  bool same = a.step == b.step && a.learning_rate == b.learning_rate && a.scalars == b.scalars &&
              a.slot_count() == b.slot_count();
  for (Index i = 0; same && i < a.slot_count(); ++i) same = same_bits(a.slot(i), b.slot(i));
  return same;
}

std::vector<Optimizer> all_optimizers() {
  std::vector<Optimizer> optimizers;
  for (const auto& entry : BuiltinOptimizers::entries())
    if (const Optimizer one = entry.make(Config{}); !one.needs_residuals()) optimizers.push_back(one);
  optimizers.push_back(Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
  optimizers.push_back(RMSprop{.learning_rate = 1.0 / 3, .momentum = 0.5, .centered = true});
  optimizers.push_back(Adam{.learning_rate = 0.1, .amsgrad = true});
  optimizers.push_back(
      Adam{.learning_rate = 0.01,
           .options = {.weight_decay = 0.001, .clipnorm = 0.7, .use_ema = true, .gradient_accumulation_steps = 3}});
  optimizers.push_back(Adam{.learning_rate = CosineDecay{.initial_learning_rate = 0.02, .decay_steps = 7}});
  return optimizers;
}

const FitOptions quiet{.epochs = 2, .batch_size = 16, .verbose = 0};

void check_resumes(Model (*make)(Optimizer), const Optimizer& optimizer, const std::string& ending,
                   const SaveOptions& options = {}) {
  INFO(ending << " " << optimizer.class_name() << " " << optimizer.config().text());
  const Samples samples;
  Model model = make(optimizer);
  model.fit(samples.x, samples.y, quiet);
  model.optimizer_state().learning_rate *= 0.37;  // as a callback would
  const std::string path = "resume" + ending, again = "again" + ending;
  model.save(path, options);
  Model loaded = load_model(path);
  CHECK(same_bits(loaded.network().parameters().values(), model.network().parameters().values()));
  CHECK(loaded.compile_options().optimizer == optimizer);
  CHECK(loaded.compile_options().loss == model.compile_options().loss);
  CHECK(loaded.compile_options().metrics == model.compile_options().metrics);
  CHECK(same_state(loaded.optimizer_state(), model.optimizer_state()));
  loaded.save(again, options);
  CHECK(bytes_of(again) == bytes_of(path));
  model.fit(samples.x, samples.y, quiet);
  loaded.fit(samples.x, samples.y, quiet);
  CHECK(same_bits(loaded.network().parameters().values(), model.network().parameters().values()));
  CHECK(same_state(loaded.optimizer_state(), model.optimizer_state()));
  ::unlink(again.c_str());
  ::unlink(path.c_str());
}

const std::string endings[] = {".h5", ".keras"};

/// An optimizer of the user's own.
struct SignDescent {
  static constexpr std::string_view class_name = "SignDescent";
  LearningRate learning_rate = 0.01;
  static void fields(auto& self, auto&& field) { field("learning_rate", self.learning_rate); }
  static std::span<const std::string_view> slot_names() { return {}; }
  void update(const Update& update) const {
    VectorView w = update.parameters;
    w -= (static_cast<Scalar>(update.learning_rate) * update.gradient.array().sign()).matrix();
  }
};

/// A loss of the user's own.
struct HalfError {
  static constexpr std::string_view class_name = "HalfError";
  static void fields(auto&, auto&&) {}
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().abs().rowwise().mean() / 2;
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    out = (predicted - target).array().sign().matrix() / static_cast<Scalar>(2 * predicted.cols());
  }
};

using Notes = std::vector<std::string>;

/// A layer of the user's own.
struct Tripled {
  static constexpr std::string_view class_name = "Tripled";
  static void fields(auto&, auto&&) {}
  LayerPlan plan(Shapes inputs) const { return {inputs[0]}; }
  void forward(const Forward& pass) const { MatrixView(pass.output) = 3 * pass.inputs[0]; }
  void backward(const Backward& pass) const { MatrixView(pass.input_gradients[0]) = 3 * pass.output_gradient; }
};

/// What saving a model with this layer, called "tried", says.
Notes notes_of_layer(const Layer& layer, const std::string& ending = ".h5",
                     KerasProfile profile = KerasProfile::automatic) {
  const std::string path = "layer-notes" + ending;
  const Model model = Sequential{input(Shape{3, 4}), layer.named("tried"), dense(1)};
  Notes notes = model.save(path, {.profile = profile});
  const Model loaded = load_model(path, {.layers = catalog_of<Layer, Tripled>()});
  CHECK(loaded.network().graph().layer(1).config() == model.network().graph().layer(1).config());
  ::unlink(path.c_str());
  return notes;
}

/// What saving a model that was trained with these settings says. The model that is loaded can be compiled anew.
Notes notes_of_saving(const CompileOptions& options) {
  auto model = Sequential{input(6), dense(5, Tanh{}), dense(1, sigmoid)};
  model.compile(options);
  const Samples samples;
  model.fit(samples.x, samples.y, {.verbose = 0});
  Notes notes = model.save("notes.h5");
  Model loaded = load_model("notes.h5");
  CHECK(same_bits(loaded.network().parameters().values(), model.network().parameters().values()));
  loaded.compile({.optimizer = Sgd{}, .loss = mean_squared_error});
  CHECK(loaded.fit(samples.x, samples.y, {.verbose = 0})["loss"].size() == 1);
  ::unlink("notes.h5");
  return notes;
}

}  // namespace

TEST_CASE("a model saved and loaded trains on as if it had never stopped") {
  for (const std::string& ending : endings)
    for (const Optimizer& optimizer : all_optimizers()) check_resumes(small_model, optimizer, ending);
}

TEST_CASE("so does one that is trained by least squares") {
  for (const std::string& ending : endings)
    check_resumes(
        [](Optimizer optimizer) -> Model {
          auto model = Sequential{input(6), dense(5, Tanh{}), dense(1)};
          model.compile({.optimizer = std::move(optimizer), .loss = mean_squared_error});
          return model;
        },
        LevenbergMarquardt{.damping = 0.1}, ending);
}

TEST_CASE("what Keras has not is left out of what it reads, and kept for maas") {
  const Samples samples;
  for (const CompileOptions& options :
       {CompileOptions{.optimizer = Lbfgs{.memory = 3}, .loss = mean_squared_error},
        CompileOptions{.optimizer = Sgd{}, .loss = Loss(masked(binary_crossentropy)).reduced("sum")}}) {
    Model model = small_model(Sgd{});
    model.compile(options);
    model.save("own.h5");
    {
      const io::Hdf5Reader file("own.h5");
      CHECK(!file.text("", "training_config"));
      CHECK(file.text("maas", "training"));
    }
    const Model loaded = load_model("own.h5");
    CHECK(loaded.compile_options().optimizer == options.optimizer);
    CHECK(loaded.compile_options().loss == options.loss);
    ::unlink("own.h5");
  }
}

TEST_CASE("saving says which optimizers Keras cannot have, and of no other that there is anything to say") {
  const std::string anew = "; Keras opens the file without training settings: compile it there anew";
  const std::map<std::string_view, std::string> said{
      {"GradientDescent", "optimizer GradientDescent: Keras opens the file with SGD, which steps on batches"},
      {"Lamb", "optimizer Lamb: Keras cannot read a model.h5 with it, not even its own" + anew},
      {"Lbfgs", "optimizer Lbfgs: Keras has no such optimizer" + anew},
      {"LevenbergMarquardt", "optimizer LevenbergMarquardt: Keras has no such optimizer" + anew}};
  for (const auto& entry : BuiltinOptimizers::entries()) {
    INFO(entry.class_name);
    const auto expected = said.find(entry.class_name);
    CHECK(notes_of_saving({.optimizer = entry.make(Config{}), .loss = mean_squared_error}) ==
          (expected == said.end() ? Notes{} : Notes{expected->second}));
  }
}

TEST_CASE("saving says which losses, metrics and schedules are not Keras', and what is the user's own") {
  CHECK(notes_of_saving({.optimizer = Sgd{}, .loss = QuantileLoss{}}) ==
        Notes{"loss QuantileLoss: Keras has no such loss; Keras opens the file without training settings: compile it "
              "there anew"});
  CHECK(notes_of_saving({.optimizer = Sgd{}, .loss = mean_squared_error, .metrics = {Huber{}, mean_absolute_error}}) ==
        Notes{"metric huber: Keras has no such metric and opens the file without it"});
  CHECK(notes_of_saving({.optimizer = Adam{.learning_rate = WarmUp{.learning_rate = 0.5, .warmup_steps = 100}},
                         .loss = mean_squared_error}) ==
        Notes{"schedule WarmUp: Keras has no such schedule and opens the file with the rate of the next step, 0.015"});
  CHECK(notes_of_saving(
            {.optimizer = AdamW{.options = {.exclude_from_weight_decay = {"bias"}}}, .loss = mean_squared_error}) ==
        Notes{"optimizer AdamW: files do not hold exclude_from_weight_decay; set it again after loading"});
  CHECK(notes_of_saving({.optimizer = SignDescent{}, .loss = mean_squared_error}) ==
        Notes{"optimizer SignDescent: Keras has no such optimizer; Keras opens the file without training settings: "
              "compile it there anew",
              "optimizer SignDescent: is in no catalog; maas opens the file without training settings: compile it "
              "anew"});
  const std::string no_catalog = ": is in no catalog; maas opens the file without training settings: compile it anew";
  CHECK(notes_of_saving({.optimizer = Sgd{}, .loss = masked(HalfError{})}).at(1) == "loss Masked" + no_catalog);
  CHECK(notes_of_saving({.optimizer = Sgd{}, .loss = mean_squared_error, .metrics = {masked(HalfError{})}}).at(1) ==
        "metric masked" + no_catalog);
  CHECK(notes_of_saving({.optimizer = Sgd{}, .loss = masked(Huber{.delta = 2})}).size() == 1);
}

TEST_CASE("saving says which activations Keras does not have") {
  const std::string no_opening = " and cannot open the file";
  CHECK(notes_of_layer(dense(5, keras2_hard_sigmoid)) ==
        Notes{"layer \"tried\": Keras has no activation keras2_hard_sigmoid" + no_opening});
  CHECK(notes_of_layer(ActivationLayer{.activation = keras2_hard_sigmoid}, ".keras") ==
        Notes{"layer \"tried\": Keras has no activation keras2_hard_sigmoid" + no_opening});
  CHECK(notes_of_layer(dense(5, keras2_hard_sigmoid), ".h5", KerasProfile::keras_2) ==
        Notes{"layer \"tried\": Keras 3 has another hard_sigmoid and gives other numbers"});
  CHECK(notes_of_layer(dense(5, celu), ".h5", KerasProfile::keras_2) ==
        Notes{"layer \"tried\": Keras 2 has no activation celu" + no_opening});
  const std::vector<std::pair<std::string, Activation>> with_settings{{"celu", Celu{.alpha = 2}},
                                                                      {"gelu", Gelu{.approximate = true}},
                                                                      {"hard_shrink", HardShrink{.threshold = 1}},
                                                                      {"soft_shrink", SoftShrink{.threshold = 1}},
                                                                      {"squareplus", Squareplus{.b = 1}}};
  for (const auto& [name, activation] : with_settings)
    for (const char* ending : {".h5", ".keras"})
      CHECK(notes_of_layer(dense(5, activation), ending) ==
            Notes{"layer \"tried\": Keras has no activation " + name + " with settings" + no_opening});
  CHECK(notes_of_layer(dense(5, Threshold{})) ==
        Notes{"layer \"tried\": Keras cannot run the activation threshold, whose settings no file of its holds"});
  CHECK(notes_of_layer(dense(5, sparsemax)) ==
        Notes{"layer \"tried\": Keras computes sparsemax otherwise and gives other numbers"});
  for (const Activation& activation :
       {Activation(celu), Activation(gelu), Activation(LeakyRelu{.negative_slope = 0.5}), Activation(Elu{.alpha = 0.5}),
        Activation(BoundedRelu{}), Activation(BoundedRelu{.max_value = 1.5})})
    for (const char* ending : {".h5", ".keras"}) CHECK(notes_of_layer(dense(5, activation), ending) == Notes{});
}

TEST_CASE("saving says which layers Keras does not have, or reads otherwise") {
  const std::string no_axes =
      "layer \"tried\": Keras 3 passes over axis = [1, 2] in an .h5 and takes the last; a .keras "
      "tells it all";
  for (const Layer& layer : {Layer(UnitNormalization{.axis = {1, 2}}), Layer(LayerNormalization{.axis = {1, 2}})}) {
    CHECK(notes_of_layer(layer, ".h5") == Notes{no_axes});
    CHECK(notes_of_layer(layer, ".keras") == Notes{});
  }
  CHECK(notes_of_layer(UnitNormalization{.axis = 1}, ".h5") == Notes{});
  CHECK(notes_of_layer(RMSNormalization{}, ".h5") == Notes{});
  CHECK(notes_of_layer(RMSNormalization{}, ".h5", KerasProfile::keras_2) ==
        Notes{"layer \"tried\": Keras 2 has no layer RMSNormalization and cannot open the file"});
  CHECK(notes_of_layer(Tripled{}, ".keras") ==
        Notes{"layer \"tried\": Keras has no layer Tripled and opens the file only with one of that name "
              "(custom_objects)"});
}

TEST_CASE("a checkpoint keeps what saving said") {
  const Samples samples;
  Model model = small_model(Lamb{});
  const Callback checkpoint = ModelCheckpoint{.filepath = "checkpoint.h5"};
  model.fit(samples.x, samples.y, {.verbose = 0, .callbacks = {checkpoint}});
  CHECK(checkpoint.as<ModelCheckpoint>()->warnings.size() == 1);
  ::unlink("checkpoint.h5");
}

TEST_CASE("losses with settings and reductions are written for Keras and come back") {
  for (const Loss& loss : {Loss(Dice{.axis = std::vector{1}}), Loss(mean_squared_error).reduced("sum"),
                           Loss(Huber{.delta = 2}).reduced("mean_with_sample_weight"),
                           Loss(SparseCategoricalCrossentropy{.ignore_class = -1})}) {
    Model model = small_model(Sgd{});
    model.compile({.optimizer = Sgd{}, .loss = loss});
    model.save("loss.h5");
    {
      const io::Hdf5Reader file("loss.h5");
      REQUIRE(file.text("", "training_config"));
      const Config written = io::parse_json(*file.text("", "training_config"), "training_config");
      Loss read = mean_absolute_error;
      from_config(written.at("loss"), "loss", read);
      CHECK(read == loss);
    }
    CHECK(load_model("loss.h5").compile_options().loss == loss);
    ::unlink("loss.h5");
  }
}

TEST_CASE("so does one of several branches, shared and frozen layers") {
  for (const std::string& ending : endings)
    for (const Optimizer& optimizer : all_optimizers()) check_resumes(branched_model, optimizer, ending);
}
