// The maas program as people run it: what it prints, what it returns.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/read_file.hpp"
#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

struct Run {
  int code;
  std::string out;  // both outputs
};

Run run(const std::string& arguments) {
  std::FILE* pipe = ::popen((MAAS_PROGRAM " " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Run result;
  std::array<char, 4096> part;
  while (std::size_t got = std::fread(part.data(), 1, part.size(), pipe)) result.out.append(part.data(), got);
  result.code = WEXITSTATUS(::pclose(pipe));
  return result;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

Model saved_model(const std::string& path) {
  Model model = Sequential{input(2), dense(3, relu).named("hidden"), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  model.fit(Matrix::Random(8, 2), Matrix::Zero(8, 1), {.epochs = 2, .batch_size = 4, .verbose = 0});
  model.save(path);
  return model;
}

bool is_one_line(const std::string& text) { return text.find('\n') == text.size() - 1; }

}  // namespace

TEST_CASE("maas inspect shows layers, weights, training and state") {
  saved_model("inspect.h5");
  const Run result = run("inspect inspect.h5");
  CHECK(result.code == 0);
  for (const char* part : {"hidden (Dense)", "(None, 3)", "Total params: 13", "hidden/kernel: 2x3", "optimizer: Adam",
                           "loss: binary_crossentropy", "metrics: accuracy", "4 steps taken"}) {
    INFO(part << "\n" << result.out);
    CHECK(result.out.find(part) != std::string::npos);
  }
}

TEST_CASE("maas inspect says that maas wrote a file, though it names a Keras for those who read it there") {
  saved_model("writer.h5");
  CHECK(run("inspect writer.h5").out.starts_with("writer.h5: written by maas " MAAS_VERSION " as Keras 2.15"));
  saved_model("writer.keras");
  CHECK(run("inspect writer.keras").out.starts_with("writer.keras: written by maas " MAAS_VERSION " as Keras 3"));
}

TEST_CASE("maas inspect shows what each output is trained for") {
  const auto x = input(2);
  const std::vector<Symbol> inputs{x}, outputs{dense(1).named("near")(x), dense(1).named("far")(x)};
  Model model(Network(Graph(inputs, outputs)));
  model.compile({.optimizer = Adam{},
                 .outputs = {{.loss = mean_squared_error, .loss_weight = 0.25},
                             {.loss = mean_absolute_error, .weighted_metrics = {mean_squared_error}}}});
  model.save("outputs.h5");
  const Run result = run("inspect outputs.h5");
  INFO(result.out);
  CHECK(result.out.find("  near: loss: mean_squared_error, weight 0.25\n  near: metrics: none\n"
                        "  far: loss: mean_absolute_error\n  far: metrics: none\n"
                        "  far: weighted metrics: mean_squared_error\n") != std::string::npos);
}

TEST_CASE("maas plot writes Graphviz' text, and pictures where Graphviz is installed") {
  saved_model("plot.h5");
  CHECK(run("plot plot.h5 plot.dot --rankdir LR").code == 0);
  std::ifstream file("plot.dot");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CHECK(text.find("rankdir=LR") != std::string::npos);
  CHECK(text.find("hidden (Dense)") != std::string::npos);
  const Run picture = run("plot plot.h5 plot.svg");
  std::ifstream svg("plot.svg");
  const std::string drawn(std::istreambuf_iterator<char>(svg), {});
  if (picture.code == 0) {
    CHECK(drawn.find("<svg") != std::string::npos);
    CHECK(drawn.find("hidden (Dense)") != std::string::npos);
    CHECK(run("plot plot.h5 plot.strange").code == 1);
  } else {
    CHECK(picture.out.find("install graphviz") != std::string::npos);
    CHECK(is_one_line(picture.out));
    CHECK(drawn.empty());
  }
  CHECK(run("plot plot.h5 picture").out.find("expected a name that ends in .svg") != std::string::npos);
}

TEST_CASE("maas convert rounds weights, says how far outputs move, and refuses what is too far") {
  Model model = Sequential{input(40), dense(50, relu), dense(3)};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  const Matrix x = Matrix::Random(20, 40);
  model.fit(x, Matrix::Zero(20, 3), {.epochs = 1, .verbose = 0});
  model.set_self_test(x.topRows(3));
  model.save("full.h5");
  write_csv("samples.csv", x);
  const std::string options = "convert full.h5 rounded.h5 --smallest 0 --data samples.csv --weights ";
  for (const auto& [name, format] : {std::pair{"bf16", CompactFormat::bfloat16}, {"int8", CompactFormat::int8}}) {
    const Run result = run(options + name);
    INFO(result.out);
    CHECK(result.code == 0);
    CHECK(result.out.find("outputs move by") != std::string::npos);
    Model close = load_model("rounded.h5");  // its self-test passes
    CHECK(close.predict(x) == rounded(model.network(), {.format = format, .smallest = 0}).predict(x));
    CHECK(close.predict(x) != model.predict(x));
    CHECK(close.optimizer_state().step == 0);
  }
  const Run none = run("convert full.h5 same.h5 --weights int8 --data samples.csv");
  CHECK(none.code == 0);
  CHECK(none.out.starts_with("Note: no weight has changed: kernels of less than 65536 numbers stay as they are "));
  CHECK(none.out.find("outputs move by 0 on average") != std::string::npos);
  CHECK(load_model("same.h5").optimizer_state().step == 1);
  std::remove("rounded.h5");
  const Run refused = run(options + "int8 --limit 1e-6");
  CHECK(refused.code == 1);
  CHECK(refused.out.find("with int8 weights outputs move by") != std::string::npos);
  CHECK(!std::ifstream("rounded.h5").good());
  for (const char* weights : {" --weights int8 --smallest 0", " --weights bf16", ""}) {
    const Run unmeasured = run(std::string("convert full.h5 rounded.h5 --limit 0.5") + weights);
    INFO(unmeasured.out);
    CHECK(unmeasured.code == 1);
    CHECK(is_one_line(unmeasured.out));
    CHECK(unmeasured.out.find("expected --data with --limit") != std::string::npos);
    CHECK(!std::ifstream("rounded.h5").good());
  }
  CHECK(run("convert full.h5 rounded.h5 --data samples.csv").code == 1);
  CHECK(run("convert full.h5 rounded.h5 --weights int4").code == 1);
  const Run compact_run = run("predict full.h5 --input samples.csv --output full.csv --weights packed --smallest 0");
  INFO(compact_run.out);
  CHECK(compact_run.code == 0);
  CHECK(read_csv("full.csv", {.header = CsvHeader::none}).matrix() == model.predict(x));
}

TEST_CASE("maas predict gives the model's numbers, passes comments over, and writes files") {
  const Model model = saved_model("predict.h5");
  write("x.csv", "# two samples\n0.5,-1\n1e-3,2\n");
  Matrix x(2, 2);
  x << Scalar(0.5), -1, Scalar(1e-3), 2;
  const Matrix y = model.predict(x);
  const std::string expected = csv_text(y);
  CHECK(run("predict predict.h5 --input x.csv").out == expected);
  CHECK(run("predict predict.h5 --input x.csv --output y.csv").code == 0);
  std::ifstream file("y.csv");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == expected);
  for (const auto& [output, got] :
       {std::pair{"/dev/stdout", "a pipe"}, {"/dev/zero", "a device"}, {"folder.csv", "a folder"}}) {
    std::filesystem::create_directory("folder.csv");
    const Run refused = run(std::string("predict predict.h5 --input x.csv --output ") + output);
    CHECK(refused.code == 1);
    CHECK(refused.out == fmt::format("maas: {}: expected a regular file or a new one, got {}; without --output "
                                     "predictions go to the standard output\n",
                                     output, got));
  }
  const Run log = run("predict predict.h5 --input x.csv --output /dev/stdout > log.csv 2> log.errors; cat log.errors");
  CHECK(log.out.find("expected a file of its own, got the one that the standard output goes to") != std::string::npos);
}

TEST_CASE("maas predict takes several inputs in order") {
  const auto a = input(2), b = input(3);
  const auto far = dense(2, relu)(b);
  const std::vector<Symbol> inputs{a, b}, outputs{dense(1)(a), far};
  const Model model(Network(Graph(inputs, outputs)));
  model.save("two.h5");
  write("a.csv", "1,2\n3,4\n");
  write("b.csv", "1,0,1\n0,1,0\n");
  Matrix xa(2, 2), xb(2, 3);
  xa << 1, 2, 3, 4;
  xb << 1, 0, 1, 0, 1, 0;
  const std::vector<Matrix> y = model.predict(std::vector<Matrix>{xa, xb});
  Matrix side_by_side(2, 3);
  side_by_side << y[0], y[1];
  CHECK(run("predict two.h5 --input a.csv --input b.csv").out == csv_text(side_by_side));
  std::filesystem::remove("y0.csv");
  const std::string apart = "predict two.h5 --input a.csv --input b.csv --output y0.csv --output ";
  CHECK(run(apart + "./y0.csv").out == "maas: expected another file with each --output, got ./y0.csv twice\n");
  CHECK_FALSE(std::ifstream("y0.csv").good());
  CHECK(run(apart + "y1.csv").code == 0);
  CHECK(read_csv("y1.csv", {.header = CsvHeader::none}).matrix() == y[1]);
}

TEST_CASE("maas convert writes a model in other forms, which predict the same") {
  const Model model = saved_model("convert.h5");
  const Matrix x = Matrix::Random(4, 2);
  for (const char* to : {"converted.keras", "converted.h5", "converted.keras --for keras3", "converted.keras --for any",
                         "converted.h5 --for keras2", "converted.keras --for both"}) {
    INFO(to);
    const std::string path = std::string(to).substr(0, std::string(to).find(' '));
    std::remove(path.c_str());
    const Run result = run(std::string("convert convert.h5 ") + to);
    CHECK(result.code == 0);
    CHECK(result.out.empty());
    Model converted = load_model(path);
    CHECK(converted.predict(x) == model.predict(x));
    CHECK(converted.optimizer_state().step == 4);
  }
  CHECK(run("convert convert.h5 converted.h5 --for keras3").out.find("only from a .keras it resumes") !=
        std::string::npos);
  CHECK(run("convert convert.h5 converted.weights.h5").code == 0);
  Model other = Sequential{input(2), dense(3, relu).named("hidden"), dense(1, sigmoid)};
  other.load_weights("converted.weights.h5");
  CHECK(other.predict(x) == model.predict(x));
  CHECK(run("convert convert.h5 converted.h5 --for keras4").code == 1);
  for (const char* to : {"alone.weights.h5", "alone.onnx"}) {
    const Run refused = run(fmt::format("convert convert.h5 {} --for keras2", to));
    CHECK(refused.code == 1);
    CHECK(refused.out.find(fmt::format("expected no --for with {}", to)) != std::string::npos);
    CHECK_FALSE(std::ifstream(to).good());
  }
  CHECK(run("convert convert.h5 converted.h5 --smallest 0").out.find("--smallest requires --weights") !=
        std::string::npos);
  CHECK(run("convert missing.h5 converted.h5").code == 1);
}

TEST_CASE("maas convert tells what Keras will not find in the file that it wrote") {
  Model model = Sequential{input(2), dense(1)};
  model.compile({.optimizer = Lbfgs{}, .loss = mean_squared_error});
  const std::vector<std::string> notes = model.save("own_optimizer.h5");
  REQUIRE(notes.size() == 1);
  const Run result = run("convert own_optimizer.h5 own_optimizer.keras");
  CHECK(result.code == 0);
  CHECK(result.out == "Note: " + notes[0] + "\n");
}

TEST_CASE("maas export writes headers that compile alone and predict the same") {
  const Matrix x = Matrix::Random(5, 3) * 2;
  std::string includes, calls;
  std::vector<Matrix> expected;
  for (const auto& entry : BuiltinActivations::entries()) {
    const Activation activation = entry.make(Config{});
    const std::string name = "net_" + std::string(entry.class_name);
    if (activation.halves()) continue;
    Model model = Sequential{input(3), dense(6, activation), dropout(0.5), dense(4), activation_layer(activation)};
    model.initialize(expected.size() + 1);
    model.save("export.h5");
    const Run made = run("export export.h5 " + name + ".hpp --name " + name);
    if (entry.class_name == Sparsemax::class_name) {
      CHECK(made.code == 1);
      CHECK(made.out == "maas: export: the activation sparsemax is not exported\n");
      continue;
    }
    INFO(made.out);
    REQUIRE(made.code == 0);
    includes += "#include \"" + name + ".hpp\"\n";
    calls += "show(" + name + "::predict);";
    expected.push_back(model.predict(x));
  }
  std::string numbers;
  for (Index i = 0; i < x.size(); ++i) numbers += fmt::format("{:.9g}f,", x.data()[i]);
  write("export.cpp", includes + "#include <cstdio>\nconstexpr float x[] = {" + numbers +
                          "};\nvoid show(void (*predict)(const float*, float*) noexcept) {\n"
                          "  float y[4];\n  for (int row = 0; row < 5; ++row) {\n    predict(x + 3 * row, y);\n"
                          "    for (float v : y) std::printf(\"%.9g\\n\", static_cast<double>(v));\n  }\n}\n"
                          "int main() {" +
                          calls + "}\n");
  const std::string compiled = MAAS_COMPILER
      " -std=c++17 -Wall -Wextra -Werror -O1 export.cpp -o export_program && ./export_program > export.txt";
  REQUIRE(std::system(compiled.c_str()) == 0);
  std::ifstream results("export.txt");
  for (const Matrix& y : expected)
    for (Index i = 0; i < y.size(); ++i) {
      double found = 0;
      REQUIRE(results >> found);
      CHECK(found == Approx(y.data()[i]).epsilon(1e-5).margin(1e-6));
    }
  CHECK(expected.size() > 25);
}

TEST_CASE("maas export says what it cannot write") {
  Model model(Network{Graph(std::vector<Layer>{input(4), BatchNormalization{}, dense(1)})});
  model.save("no_export.h5");
  const Run made = run("export no_export.h5 no_export.hpp");
  CHECK(made.code == 1);
  CHECK(is_one_line(made.out));
  CHECK(made.out.find("expected Dense, an activation, Dropout or Flatten, got BatchNormalization") !=
        std::string::npos);
  CHECK_FALSE(std::ifstream("no_export.hpp").good());
  saved_model("names.h5");
  for (const char* name : {"1st", "class", "std", "xor", "sin"})
    CHECK(run(std::string("export names.h5 names.hpp --name ") + name).out ==
          fmt::format("maas: export: expected a name of C++ that is free, got \"{}\"\n", name));
}

TEST_CASE("maas export takes names from a file that may be hostile, and makes C++ of them") {
  std::string compiled = "int main() {}\n";
  for (const char* name : {"double.h5", "std.h5", "y0.h5", "gamma.h5", "two\nlines#.h5", "linux.h5"}) {
    Model model(Network(
        Graph(std::vector<Layer>{input(2), dense(1, relu).named("d\n}}}\n#error INJECTED\n"), dense(1).named("e\\")})));
    model.save(name);
    const std::string header = fmt::format("hostile_{}.hpp", compiled.size());
    const Run made = run("export '" + std::string(name) + "' " + header);
    INFO(made.out);
    REQUIRE(made.code == 0);
    std::ifstream file(header);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    CHECK(text.find("// d?}}}?#error INJECTED?: 2 -> 1, relu\n") != std::string::npos);
    CHECK(text.find("// e?: 1 -> 1, linear\n") != std::string::npos);
    compiled = "#include \"" + header + "\"\n" + compiled;
  }
  write("hostile.cpp", compiled);
  CHECK(std::system(MAAS_COMPILER " -std=gnu++17 -Wall -Wextra -Werror -fsyntax-only hostile.cpp") == 0);
}

TEST_CASE("maas export writes no header that would predict other numbers than the model") {
  const auto refused = [](const Model& model, const std::string& reason) {
    model.save("other_numbers.h5");
    const Run made = run("export other_numbers.h5 other_numbers.hpp");
    CHECK(made.code == 1);
    CHECK(is_one_line(made.out));
    CHECK(made.out.find(reason) != std::string::npos);
    CHECK_FALSE(std::ifstream("other_numbers.hpp").good());
  };
  refused(Sequential{input(Shape{2, 3}), Flatten{.data_format = "channels_first"}, dense(1)},
          "expected a Flatten that keeps the order of numbers");
  refused(Sequential{input(4), dense(6), reshape({2, 3}), SoftmaxLayer{}, flatten()},
          "expected one row of numbers for softmax, got 2x3");
  const auto in = input(4);
  const Symbol hidden = dense(3)(in), last = dense(1)(hidden);
  refused(Model({in}, {hidden, last}), "expected one output, that of the last layer");
}

TEST_CASE("maas check runs the self-test and says what is odd") {
  Model model = saved_model("check.h5");
  const Run plain = run("check check.h5");
  CHECK(plain.code == 0);
  CHECK(plain.out == "check.h5: 3 layers, 13 parameters\nself-test: none in the file\nnothing odd\n");
  model.set_self_test(Matrix::Ones(2, 2));
  model.save("check.keras");
  CHECK(run("check check.keras").out.find("self-test: 2 samples, passed, largest difference 0 of") !=
        std::string::npos);
  model.weight("hidden/kernel").setZero();
  model.weight("hidden/bias")(0, 1) = std::numeric_limits<Scalar>::quiet_NaN();
  model.save("check.h5");
  const Run odd = run("check check.h5");
  CHECK(odd.code == 0);
  CHECK(odd.out.find("odd: hidden/kernel: all zeros\n") != std::string::npos);
  CHECK(odd.out.find("odd: hidden/bias: 1 of 3 numbers are not finite\n") != std::string::npos);
  CHECK(odd.out.find("nothing odd") == std::string::npos);
  SavedModel saved = saved_model("check.h5").saved();
  saved.info.self_test = SelfTest{.inputs = {Matrix::Ones(1, 2)}, .outputs = {Matrix::Constant(1, 1, 7)}};
  write_keras("check.h5", saved);
  const Run failed = run("check check.h5");
  CHECK(failed.code == 1);
  CHECK(failed.out.starts_with("maas: check.h5: the self-test fails: expected 7 "));
  CHECK(is_one_line(failed.out));
}

TEST_CASE("maas diff shows what differs, and its exit code says whether anything does") {
  Model model = saved_model("diff.h5");
  model.weight("hidden/kernel")(1, 2) = Scalar(0.25);  // numbers whose difference is exact
  model.weight("dense/bias")(0, 0) = Scalar(0.5);
  model.save("diff.h5");
  model.save("same.keras");
  const Run same = run("diff diff.h5 same.keras");
  CHECK(same.code == 0);
  CHECK(same.out.empty());
  model.weight("hidden/kernel")(1, 2) += Scalar(0.5);
  model.weight("dense/bias")(0, 0) += Scalar(0.25);
  model.save("other.h5");
  const Run weights = run("diff diff.h5 other.h5");
  CHECK(weights.code == 2);
  CHECK(weights.out.starts_with("hidden/kernel: largest difference 0.5"));
  CHECK(weights.out.find("dense/bias: largest difference 0.25") != std::string::npos);
  CHECK(run("diff diff.h5 other.h5 --weights 1").out.find("1 more weights differ\n") != std::string::npos);
  Model layers = Sequential{input(2), dense(3, Tanh{}).named("hidden"), dense(1, sigmoid)};
  layers.save("layers.h5");
  const Run structure = run("diff diff.h5 layers.h5");
  CHECK(structure.code == 2);
  CHECK(structure.out.find("< hidden Dense") != std::string::npos);
  CHECK(structure.out.find("> hidden Dense") != std::string::npos);
  CHECK(structure.out.find("> not compiled\n") != std::string::npos);
  const Run missing = run("diff diff.h5 missing.h5");
  CHECK(missing.code == 1);
  CHECK(is_one_line(missing.out));
}

namespace {

// Nanoseconds of the line of maas bench that starts so.
double nanoseconds_of(const std::string& text, const std::string& name) {
  const std::size_t line = text.find('\n' + name + ' ');
  REQUIRE(line != std::string::npos);
  std::istringstream words(text.substr(line + 1 + name.size()));
  double time = 0;
  std::string unit;
  words >> time >> unit;
  REQUIRE((unit == "ns," || unit == "us," || unit == "ms,"));
  return time * (unit == "ns," ? 1 : unit == "us," ? 1e3 : 1e6);
}
std::pair<double, double> floors_of(const std::string& text) {
  INFO(text);
  return {nanoseconds_of(text, "arithmetic"), nanoseconds_of(text, "memory")};
}

}  // namespace

TEST_CASE("maas bench tells percentiles of the time, and the machine's floors of arithmetic and memory") {
  saved_model("bench.h5");
  const Run result = run("bench bench.h5 --batch 4 --seconds 0.05");
  INFO(result.out);
  CHECK(result.code == 0);
  for (const char* part : {"13 weights, 9 multiply-adds a sample; batch 4, 1 thread", "p50 ", "p99 ", "p99.9 ", "max ",
                           "samples/s", "floors of one core\narithmetic  ", " % of p50: 36 multiply-adds\nmemory      ",
                           " % of p50: 52 bytes of weights, read once\n", "G multiply-adds/s"})
    CHECK(result.out.find(part) != std::string::npos);
  // Arithmetic grows with the samples, the weights do not. Machines are measured anew each time, beside other tests.
  Model wide = Sequential{input(64), dense(64), dense(64)};
  wide.save("wide.h5");
  const auto [arithmetic, memory] = floors_of(run("bench wide.h5 --seconds 0.05").out);
  const auto [arithmetic_of_many, memory_of_many] = floors_of(run("bench wide.h5 --batch 512 --seconds 0.05").out);
  CHECK(arithmetic_of_many > 100 * arithmetic);
  CHECK(memory_of_many < 10 * memory);
  CHECK(memory > 0);
  // Of three tenths of a second with a pause of 50 ms no more than six predictions come.
  const std::string paused = run("bench bench.h5 --seconds 0.3 --pause 0.05").out;
  INFO(paused);
  CHECK(paused.find(", each after a pause of 50.00 ms\n") != std::string::npos);
  const std::size_t count = paused.find(" predictions)");
  REQUIRE(count != std::string::npos);
  CHECK(std::stoi(paused.substr(paused.rfind('(', count) + 1)) <= 6);
  CHECK(is_one_line(run("bench bench.h5 --pause -1").out));
  for (const char* option : {"--seconds nan", "--pause nan", "--seconds inf"}) {
    const Run refused = run(std::string("bench bench.h5 ") + option);
    CHECK(refused.code == 1);
    CHECK(refused.out.find("expected a finite number, got ") != std::string::npos);
  }
  CHECK(is_one_line(run("bench bench.h5 --batch 0").out));
  CHECK(run("bench bench.h5 --batch 0").code == 1);
}

#if defined(MAAS_CLI_SERVE)
TEST_CASE("limits of maas serve are not below nothing") {
  for (const std::string option :
       {"max-header-bytes", "max-connections", "max-queue", "max-held-bytes", "min-body-rate", "compress-from"}) {
    const Run result = run("serve no_such_folder --" + option + "=-1");
    INFO(result.out);
    CHECK(result.code == 1);
    CHECK(result.out.find("--" + option) != std::string::npos);
  }
}
#endif

TEST_CASE("what goes wrong is one line and exit code 1") {
  saved_model("good.h5");
  write("narrow.csv", "1\n");
  write("word.csv", "1,2\n1,two\n");
  write("names_only.csv", "one,two\n");
  write("not.h5", "this is text");
  for (const char* arguments :
       {"inspect missing.h5", "inspect not.h5", "inspect .", "predict good.h5 --input missing.csv",
        "predict good.h5 --input narrow.csv", "predict good.h5 --input word.csv",
        "predict good.h5 --input names_only.csv", "predict good.h5 --input narrow.csv --input narrow.csv",
        "predict good.h5", "inspect", "check missing.h5", "diff good.h5", "convert good.h5", "dance", ""}) {
    const Run result = run(arguments);
    INFO(arguments << "\n" << result.out);
    CHECK(result.code == 1);
    CHECK(result.out.starts_with("maas: "));
    CHECK(is_one_line(result.out));
  }
  CHECK(run("dance").out == "maas: there is no command dance; maas --help lists them\n");
  CHECK(run("predict good.h5 --input narrow.csv").out == "maas: narrow.csv: expected 2 numbers a row (2), got 1\n");
}

TEST_CASE("what a command reads is not written over") {
  saved_model("precious.h5");
  write("precious.csv", "1,2\n3,4\n");
  std::filesystem::create_directories("precious");
  const auto bytes_of = [](const char* path) { return read_file(path); };
  const std::string model = bytes_of("precious.h5"), rows = bytes_of("precious.csv");
  for (const auto& [arguments, what, taken] : std::vector<std::array<std::string, 3>>{
           {"predict precious.h5 --input precious.csv --output precious.h5", "--output", "precious.h5"},
           {"predict precious.h5 --input precious.csv --output precious/../precious.csv", "--output",
            "precious/../precious.csv"},
           {"evaluate precious.h5 precious.csv --report precious.csv", "--report", "precious.csv"},
           {"evaluate precious.h5 precious.csv --report precious.h5", "--report", "precious.h5"},
           {"forecast precious.h5 precious.csv --output precious.csv", "--output", "precious.csv"},
           {"export precious.h5 precious.h5", "header", "precious.h5"},
           {"convert precious.h5 precious.csv --weights int8 --data precious.csv", "out", "precious.csv"}}) {
    const Run result = run(arguments);
    INFO(arguments);
    CHECK(result.out == "maas: " + what + ": expected a file of its own, got \"" + taken + "\", which is read\n");
    CHECK(result.code == 1);
  }
  write("precious.json", R"({"data": {"files": "precious.csv"}, "pipeline": {"targets": ["1"]},
                            "network": {"layers": [{"class": "dense", "units": 1}]},
                            "training": {"optimizer": "adam", "loss": "mse", "epochs": 1}})");
  const std::string recipe = bytes_of("precious.json");
  for (const char* change :
       {"output.model=precious.json", "output.report=./precious.json",
        "'training.callbacks=[{\"class\": \"csv_logger\", \"filename\": \"precious.json\"}]'",
        "'training.callbacks=[{\"class\": \"model_checkpoint\", \"filepath\": \"precious.json\"}]'"}) {
    const Run result = run(std::string("train precious.json --set ") + change);
    INFO(change << "\n" << result.out);
    CHECK(result.out.find("train: expected a file of its own, got \"") != std::string::npos);
    CHECK(result.code == 1);
  }
  CHECK(bytes_of("precious.json") == recipe);
  CHECK(bytes_of("precious.h5") == model);
  CHECK(bytes_of("precious.csv") == rows);
  CHECK(run("convert precious.h5 precious.h5 --for any").code == 0);  // another form in its place is what was asked for
  std::filesystem::copy_file("precious.h5", "whole.weights.h5", std::filesystem::copy_options::overwrite_existing);
  CHECK(run("convert whole.weights.h5 whole.weights.h5").code == 1);
}

TEST_CASE("an option that is not known is told before one that is missing") {
  saved_model("known.h5");
  CHECK(run("predict known.h5 --inptu x.csv").out ==
        "maas: The following argument was not expected: --inptu; maas --help tells more\n");
  CHECK(run("predict known.h5").out == "maas: --input is required; maas --help tells more\n");
}

TEST_CASE("maas says its version and helps") {
  CHECK(run("--version").out == "maas " MAAS_VERSION "\n");
  CHECK(run("--help").code == 0);
  CHECK(run("predict --help").out.find("--input") != std::string::npos);
  if (!std::filesystem::exists("/dev/full")) return;
  for (const char* asked : {"--help", "--version", "predict --help"}) {
    CHECK(run(std::string(asked) + " > /dev/full").code == 1);
    const Run told = run(std::string(asked) + " > /dev/full 2> full.errors; cat full.errors");
    CHECK(told.out == "maas: cannot write to the standard output\n");
  }
}

namespace {

// The words that begin the lines of a help text after its line "Subcommands:".
std::vector<std::string> subcommands_in(const std::string& help) {
  std::vector<std::string> found;
  const std::size_t begin = help.find("\nSubcommands:\n");
  std::istringstream lines(begin == std::string::npos ? "" : help.substr(begin + 1));
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 2 && line.starts_with("  ") && line[2] != ' ')
      found.push_back(line.substr(2, line.find(' ', 2) - 2));
  return found;
}

// The long names that begin lines of a help text: "  -h,--help  ...", "  --shapes,--no-shapes{false} ...".
std::vector<std::string> options_in(const std::string& help) {
  std::vector<std::string> found;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  -")) continue;
    std::istringstream names(line.substr(2, line.find(' ', 2) - 2));
    for (std::string name; std::getline(names, name, ',');)
      if (name.starts_with("--")) found.push_back(name.substr(0, name.find('{')));
  }
  return found;
}

// As a word of its own: "--rows" does not stand in "--rows-at-once".
bool stands_in(const std::string& name, const std::string& text) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const char next = at + name.size() < text.size() ? text[at + name.size()] : ' ';
    if (std::isalnum(static_cast<unsigned char>(next)) == 0 && next != '-') return true;
  }
  return false;
}

std::string all_pages() {
  std::string text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MAAS_DOCS)) {
    if (entry.path().extension() != ".md") continue;
    std::ifstream file(entry.path());
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  return text;
}

// Those of a command and of the ones below it that no page names.
std::string options_without_page(const std::string& command, const std::string& pages) {
  const std::string help = run(command + " --help").out;
  std::string missing;
  for (const std::string& name : options_in(help))
    if (name != "--help" && !stands_in(name, pages)) missing += "maas " + command + " " + name + "\n";
  for (const std::string& below : subcommands_in(help)) missing += options_without_page(command + " " + below, pages);
  return missing;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("every option of every command stands in a page of the documentation") {
  const std::vector<std::string> commands = subcommands_in(run("--help").out);
  REQUIRE(has(commands, "predict"));
  REQUIRE(has(subcommands_in(run("data --help").out), "report"));
  REQUIRE(has(options_in(run("plot --help").out), "--no-shapes"));
  const std::string pages = all_pages();
  for (const std::string& command : commands) CHECK(options_without_page(command, pages) == "");
}

TEST_CASE("maas predict, inspect, check and diff know the pipeline of a model") {
  const Table training = parse_csv("time,kind,flow\n2024-01-01 00:00,car,10\n2024-01-01 12:00,7,30\n", "training");
  Pipeline pipeline(
      {.steps = {TimeFeatures{.day_of_week = false}, OneHot{.columns = {"kind"}}, MinMax{.columns = {"flow"}}},
       .targets = {"flow"}});
  pipeline.fit(training);
  Model model = Sequential{input(4), dense(1)};
  model.save("bare.h5");
  model.info().pipeline = pipeline;
  model.save("raw.h5");

  // Columns in another order; a kind that looks like a number; a column that nobody asked for.
  write("raw.csv", "# by name\nother,kind,time\n1,7,2024-01-01 12:00\n2,7,2024-01-01 00:00\n");
  const Table raw =
      parse_csv("kind,time\n7,2024-01-01 12:00\n7,2024-01-01 00:00\n", "raw", {.types = {{"kind", ColumnType::text}}});
  CHECK(run("predict raw.h5 --input raw.csv").out == csv_text(model.predict(raw), {"flow"}));
  CHECK(run("predict raw.h5 --input raw.csv --output answers.csv").code == 0);
  CHECK(read_csv("answers.csv").numbers("flow").size() == 2);
  write("prepared.csv", csv_text(pipeline.apply(raw)));
  CHECK(run("predict raw.h5 --input prepared.csv --prepared").out ==
        csv_text(model.predict(read_csv("prepared.csv", {.header = CsvHeader::none}).matrix())));
  write("lacking.csv", "kind\n7\n");
  const Run lacking = run("predict raw.h5 --input lacking.csv");
  CHECK(lacking.code == 1);
  CHECK(lacking.out == "maas: lacking.csv: Pipeline: expected a column \"time\" of times, got columns \"kind\"\n");
  CHECK(run("predict raw.h5 --input raw.csv --input raw.csv").code == 1);

  const std::string inspected = run("inspect raw.h5").out;
  CHECK(inspected.find("Pipeline\n  columns: \"time\", \"kind\"\n  TimeFeatures (") != std::string::npos);
  CHECK(inspected.find("  targets: \"flow\"\n") != std::string::npos);
  CHECK(run("inspect bare.h5").out.find("Pipeline") == std::string::npos);
  CHECK(run("check raw.h5").out.find("pipeline: from 2 raw columns by 3 steps to 4 features and 1 targets\n") !=
        std::string::npos);
  const Run different = run("diff raw.h5 bare.h5");
  CHECK(different.code == 2);
  CHECK(different.out.find("< pipeline step MinMax {\"columns\": [\"flow\"]") != std::string::npos);
  CHECK(run("convert raw.h5 raw.keras").code == 0);
  CHECK(*load_model("raw.keras").info().pipeline == pipeline);
  for (const char* command : {"convert raw.h5 raw.weights.h5", "convert raw.h5 raw.onnx", "export raw.h5 raw.hpp"}) {
    const std::string path = std::string(command).substr(std::string(command).rfind(' ') + 1);
    const Run left_out = run(command);
    CHECK(left_out.code == 0);
    CHECK(left_out.out ==
          "Note: the model's pipeline is not written: " + path + " takes what the network takes, not raw rows\n");
  }
  CHECK(run("convert bare.h5 bare.onnx").out.empty());
}

TEST_CASE("maas data report tells what a file holds, and what is odd") {
  write("data.csv", "# counts\nlane;flow\n1;10\n2;\n1;10\n");
  const Run result = run("data report data.csv");
  CHECK(result.code == 0);
  CHECK(result.out ==
        "data.csv: 3 rows, 2 columns; rows are counted from 0\n"
        "  \"lane\": numbers, 0 missing; 1 to 2, mean 1.33333, deviation 0.471405, quartiles 1, 1, 1.5, 0 outliers\n"
        "  \"flow\": numbers, 1 missing; 10 to 10, mean 10, deviation 0, quartiles 10, 10, 10, 0 outliers\n"
        "Odd\n"
        "  \"flow\": missing in 1 row: 1\n"
        "  \"flow\": never changes\n"
        "  1 row the same as one before: 2 as 0\n");
  CHECK(run("data report data.csv --text lane").out.find("\"lane\": text, 0 missing; 2 different: \"1\" 2 (66.7 %)") !=
        std::string::npos);
  write("german.csv", "Zeit|Tempo\n1/2/2024|1,5\n2/2/2024|3,25\n");
  const std::string found = run("data report german.csv --separator '|'").out;
  CHECK(found.find("\"Tempo\": 2 of 2 texts are numbers with a decimal comma\n") != std::string::npos);
  const std::string told = run("data report german.csv --separator '|' --decimal , --dates month_first").out;
  CHECK(told.find("\"Zeit\": times, 0 missing; 2024-01-02 00:00 to 2024-02-02 00:00") != std::string::npos);
  CHECK(told.find("\"Tempo\": numbers, 0 missing; 1.5 to 3.25") != std::string::npos);
  const Run wrong = run("data report german.csv --dates year_first");
  CHECK(wrong.code == 1);
  CHECK(wrong.out.find("data report dates: expected ") != std::string::npos);
  CHECK(run("data report no_such.csv").code == 1);
  CHECK(run("data").code == 1);
}

TEST_CASE("maas data report tells the same of the datasets of an HDF5 file") {
  Matrix flow(4, 1), pair(4, 2);
  flow << 1, 3, std::numeric_limits<Scalar>::quiet_NaN(), 2;
  pair << 5, 1, 5, 2, 5, 3, 5, 4;
  write_hdf5("data.h5", {{"flow", flow}, {"pair", pair}});
  const Run result = run("data report data.h5");
  CHECK(result.code == 0);
  CHECK(result.out ==
        "data.h5: 4 rows, 3 columns; rows are counted from 0\n"
        "  \"flow\": numbers, 1 missing; 1 to 3, mean 2, deviation 0.816497, quartiles 1.5, 2, 2.5, 0 outliers\n"
        "  \"pair_0\": numbers, 0 missing; 5 to 5, mean 5, deviation 0, quartiles 5, 5, 5, 0 outliers\n"
        "  \"pair_1\": numbers, 0 missing; 1 to 4, mean 2.5, deviation 1.11803, quartiles 1.75, 2.5, 3.25, 0 outliers\n"
        "Strongest correlations\n"
        "  +0.327 \"flow\" and \"pair_1\"\n"
        "Odd\n"
        "  \"flow\": missing in 1 row: 2\n"
        "  \"pair_0\": never changes\n");
  write_hdf5("longer.h5", {{"flow", flow}, {"speed", Matrix::Zero(5, 1)}});
  const Run wrong = run("data report longer.h5");
  CHECK(wrong.code == 1);
  CHECK(is_one_line(wrong.out));
  CHECK(wrong.out.find("longer.h5") != std::string::npos);
  CHECK(wrong.out.find("speed") != std::string::npos);
}

namespace {

void write_recipe(const std::string& path) {
  std::string rows = "x,y\n";
  for (int i = 0; i < 50; ++i) rows += fmt::format("{},{}\n", i % 5, 3 * (i % 5) - 1);
  write("train.csv", rows);
  write(path, R"({"data": {"files": "train.csv"}, "split": {"validation": 0.2, "test": 0.2},
    "pipeline": {"features": ["x"], "targets": ["y"]}, "network": {"layers": [{"class": "dense", "units": 1}]},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.1}, "loss": "mse", "epochs": 300},
    "output": {"model": "trained.h5"}})");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

}  // namespace

TEST_CASE("maas train runs a recipe, and maas evaluate scores what it made") {
  write_recipe("recipe.json");
  const Run trained = run("train recipe.json --progress none --report train.html");
  INFO(trained.out);
  CHECK(trained.code == 0);
  for (const char* part : {"50 rows: 30 for training", "test: 10 rows", "model", "mean", "written: trained.h5"})
    CHECK(trained.out.find(part) != std::string::npos);
  CHECK(trained.out.find("Epoch") == std::string::npos);
  CHECK(std::ifstream("train.html").good());
  const Run evaluated = run("evaluate trained.h5 train.csv --report evaluate.html");
  INFO(evaluated.out);
  CHECK(evaluated.code == 0);
  CHECK(evaluated.out.starts_with("train.csv: 50 rows\ny, 50 rows\n"));
  CHECK(evaluated.out.find("best") == std::string::npos);  // the file keeps what the training rows gave
  CHECK(evaluated.out.find("\n  mean ") != std::string::npos);
  const std::string told = run("inspect trained.h5").out;
  CHECK(told.find("Baselines\n  y: mean ") != std::string::npos);
  CHECK(told.find("Reference for drift\n  inputs: ") != std::string::npos);
  Model old = load_model("trained.h5");
  old.info().baselines.reset();
  old.save("old.h5");
  CHECK(run("evaluate old.h5 train.csv").out.find("best mean") != std::string::npos);
  old.info().baselines = Config{}.set("targets", 3);
  old.save("old.h5");
  const Run damaged = run("evaluate old.h5 train.csv");
  CHECK(damaged.code == 1);
  CHECK(is_one_line(damaged.out));
  CHECK(damaged.out.find("old.h5: ") != std::string::npos);
  CHECK(run("inspect old.h5").out.find("Baselines\n  cannot be used: ") != std::string::npos);
  CHECK(run("check old.h5").out.find("odd: baselines: ") != std::string::npos);
  CHECK(run("check trained.h5").out.find("odd: ") == std::string::npos);
  CHECK(std::ifstream("evaluate.html").good());
  const Run json = run("evaluate trained.h5 train.csv --training train.csv --json");
  CHECK(json.out.starts_with(R"({"name": "train.csv", "rows": 50, "unanswered": 0, "targets": [{"target": "y", )"));
  CHECK(json.out.find(R"({"name": "mean", "mae": )") != std::string::npos);
  CHECK(is_one_line(json.out));
  saved_model("plain.h5");
  CHECK(run("evaluate plain.h5 train.csv").out.find("expected a model with a pipeline") != std::string::npos);
}

TEST_CASE("maas forecast tells what comes after the last reading; maas evaluate scores such models") {
  std::string rows = "time,north,\"s, \"\"2\"\"\"\n";
  for (int i = 0; i < 100; ++i) rows += fmt::format("2024-01-01 {:02d}:{:02d},{},{}\n", i / 12, i % 12 * 5, i, 2 * i);
  write("road.csv", rows);
  write("road.json", R"({"data": {"files": "road.csv"}, "split": {"validation": 0.1, "test": 0.2},
    "pipeline": {"range_margin": 1},
    "forecast": {"time": "time", "windows": {"lags": 3, "horizons": [1, 2]}, "changes": true, "unit": "mph",
                 "intervals": {}, "alarm": {"value": 10, "probability": 0.5, "values": {"s, \"2\"": 500}}},
    "network": {"layers": []}, "training": {"optimizer": "adam", "loss": "mse", "epochs": 2},
    "output": {"model": "road.h5"}})");
  const Run trained = run("train road.json --progress none --report road.html");
  INFO(trained.out);
  CHECK(trained.code == 0);
  for (const char* part :
       {"100 rows: 70 for training", "5 minutes ahead, at the horizon; MAE and RMSE in mph\n", "persistence",
        "intervals of 90 %, split, all horizons: ", "0 of 0 events had one before them, - minutes",
        "alarms: precision ", "alarms of persistence: precision ", "written: road.h5"})
    CHECK(trained.out.find(part) != std::string::npos);
  const Run json = run("train road.json --progress json --set output={}");
  const std::string end = lines_of(json.out).back();
  CHECK(end.find(R"("scores": [{"model": "persistence")") != std::string::npos);
  CHECK(end.find(R"("coverage": [{"name": "split, 5 minutes", "nominal": 0.9, "covered": )") != std::string::npos);
  CHECK(end.find(R"("naive_alarms": {"events": 0, "warned": 0, "alarms": )") != std::string::npos);

  const Run next = run("forecast road.h5 road.csv");
  const Matrix expected = load_forecaster("road.h5").predict(readings_of(read_csv("road.csv"), "time"));
  CHECK(next.code == 0);
  CHECK(next.out == fmt::format("time,north,\"s, \"\"2\"\"\"\n2024-01-01 08:20,{:.9g},{:.9g}\n"
                                "2024-01-01 08:25,{:.9g},{:.9g}\n",
                                expected(0, 0), expected(0, 1), expected(1, 0), expected(1, 1)));
  const Run wide = run("forecast road.h5 road.csv --intervals --output wide.csv");
  INFO(wide.out);
  CHECK(wide.code == 0);
  const Table ends = read_csv("wide.csv");
  CHECK(ends.names() == std::vector<std::string>{"time", "north", "north low", "north high", "north chance below 10",
                                                 "s, \"2\"", "s, \"2\" low", "s, \"2\" high",
                                                 "s, \"2\" chance below 500"});
  Matrix in_a_row(1, 4);
  in_a_row << expected(0, 0), expected(0, 1), expected(1, 0), expected(1, 1);
  const Intervals around = load_forecaster("road.h5").intervals()->around(in_a_row);
  CHECK(ends.numbers("north high")[1] == Approx(double(around.upper(0, 2))));
  CHECK(ends.numbers("s, \"2\" low")[0] == Approx(double(around.lower(0, 1))));
  CHECK(ends.numbers("north chance below 10")[0] < 0.5);
  CHECK(ends.numbers("s, \"2\" chance below 500")[0] > 0.5);
  CHECK(run("forecast road.h5 road.csv --time time --output next.csv").out.empty());
  CHECK(read_csv("next.csv").rows() == 2);
  // In another unit some reading lies further beyond those of training than the margin.
  std::string feet = "time,north,\"s, \"\"2\"\"\"\n";
  for (int i = 60; i < 100; ++i)
    feet += fmt::format("2024-01-01 {:02d}:{:02d},{},{}\n", i / 12, i % 12 * 5, 3.28 * i, i);
  write("feet.csv", feet);
  const Run beyond = run("forecast road.h5 feet.csv");
  CHECK(beyond.code == 1);
  CHECK(is_one_line(beyond.out));
  CHECK(beyond.out.find("feet.csv: Pipeline: expected \"north\" from -138 to 276 (0 to 138 in the training rows of all "
                        "columns alike, and a margin of 1 of that width), got 278.8 in row 25") != std::string::npos);
  CHECK(beyond.out.find("out_of_range \"pass\"") != std::string::npos);
  write("short.csv", "time,north\n2024-01-01 00:00,1\n");
  const Run other = run("forecast road.h5 short.csv");
  CHECK(other.code == 1);
  CHECK(is_one_line(other.out));
  CHECK(other.out.find("short.csv: ") != std::string::npos);
  write("few.csv", "time,north,\"s, \"\"2\"\"\"\n2024-01-01 00:00,1,2\n");
  CHECK(run("forecast road.h5 few.csv").out == "maas: few.csv: predict: expected at least 3 readings, got 1\n");
  CHECK(run("predict road.h5 --input road.csv").out ==
        "maas: road.h5: expected samples as its network takes them, a file for each of its 2 inputs, got 1; maas "
        "forecast takes readings\n");

  // What grows by 1 and by 2 a reading is 1.5 off on the average where nothing changes.
  const Run scored = run("evaluate road.h5 road.csv --report scored.html");
  INFO(scored.out);
  CHECK(scored.code == 0);
  CHECK(scored.out.find("persistence              1.500") != std::string::npos);
  CHECK(scored.out.find("persistence              3.000") != std::string::npos);
  CHECK(scored.out.find("ridge VAR") != std::string::npos);  // as it is kept with the model
  CHECK(scored.out.find("not kept") == std::string::npos);
  CHECK(scored.out.find("intervals of 90 %, split, all horizons: ") != std::string::npos);
  std::ifstream page("scored.html");
  const std::string drawn{std::istreambuf_iterator<char>(page), {}};
  CHECK(drawn.find("<h2>Intervals</h2>") != std::string::npos);
  CHECK(drawn.find("split, 10 minutes") != std::string::npos);
  CHECK(drawn.find("<path class=\"band\"") != std::string::npos);
  // Readings that grow never fall below a value.
  CHECK(scored.out.find(" were right, 0 of 0 events had one before them") != std::string::npos);
  CHECK(scored.out.find("alarms of persistence: 0 of 0 were right, 0 of 0 events") != std::string::npos);
  CHECK(scored.out.find(", recall -, ") != std::string::npos);  // of no event
  CHECK(drawn.find("<h2>Alarms</h2>") != std::string::npos);
  CHECK(drawn.find("<tr><th>persistence</th><td>") != std::string::npos);
  // In blocks there are the same figures.
  const Run blocks = run("evaluate road.h5 road.csv --stream --report blocks.html");
  INFO(blocks.out);
  CHECK(blocks.code == 0);
  CHECK(blocks.out == scored.out);
  CHECK(std::ifstream("blocks.html").good());
  CHECK(run("evaluate road.h5 road.csv --stream --training road.csv").out.find("ridge VAR") != std::string::npos);
  const Run beside = run("evaluate road.h5 road.csv --training road.csv --json");
  CHECK(beside.out.find(R"("model": "ridge VAR")") != std::string::npos);
  CHECK(is_one_line(beside.out));
  // An old file keeps none: persistence alone, as it learns nothing.
  Model old = load_model("road.h5");
  old.info().baselines.reset();
  old.info().reference.reset();
  old.save("old_road.h5");
  const std::string alone = run("evaluate old_road.h5 road.csv").out;
  CHECK(alone.find("persistence    1.500") != std::string::npos);
  CHECK(alone.find("ridge VAR") == std::string::npos);
  CHECK(alone.find("the file keeps no baselines; --training gives them\n") != std::string::npos);

  // A program's own file may have an alarm and no naive one.
  Forecaster without = load_forecaster("road.h5");
  without.set_intervals(*without.intervals(), without.alarm());
  without.save("no_naive.h5");
  for (const char* in_blocks : {"", " --stream"}) {
    const std::string lone = run(std::string("evaluate no_naive.h5 road.csv") + in_blocks).out;
    CHECK(lone.find("alarms: ") != std::string::npos);
    CHECK(lone.find("alarms of persistence") == std::string::npos);
    CHECK(lone.find("the file keeps no intervals of persistence, whose alarms would stand beside its own\n") !=
          std::string::npos);
  }
  CHECK(run("inspect no_naive.h5").out.find("  alarm beside it: none in the file\n") != std::string::npos);

  const std::string told = run("inspect road.h5").out;
  INFO(told);
  for (const char* part :
       {"Forecast\n  lags: 3 readings, 300 seconds apart\n  horizons: 5 minutes, 10 minutes\n  sensors: 2 (\"north\", ",
        "  answers: network, as changes since the last reading, in mph\n", "  steps: none\n",
        "  intervals: conformal (coverage 0.9, ", "  alarm: below a value (value 10.0, ",
        "  alarm beside it: that of persistence\n",
        "  baselines: persistence, historical average, linear autoregression, ridge VAR\n",
        "Reference for drift\n  sensors: 2, 2 of them watched\n  mean absolute error one horizon ahead: "})
    CHECK(told.find(part) != std::string::npos);
  CHECK(run("inspect old_road.h5").out.find("  baselines: none in the file\n") != std::string::npos);
  CHECK(run("check road.h5").out.find("odd: forecast") == std::string::npos);
  old.info().reference = Config("all");
  old.info().baselines = Config("all");
  old.save("old_road.h5");
  const std::string odd = run("check old_road.h5").out;
  CHECK(odd.find("odd: forecast: ") != std::string::npos);
  CHECK(odd.find("odd: reference: ") != std::string::npos);
}

TEST_CASE("maas forecast takes known inputs from the rows to come, behind the last reading") {
  const auto rows = [](int first, int count, int to_come) {
    std::string text = "time,flow,works\n";
    for (int i = first; i < first + count + to_come; ++i)
      text += fmt::format("2024-01-01 {:02d}:{:02d},{},{}\n", i / 12, i % 12 * 5,
                          i < first + count ? std::to_string(i % 7) : "", i % 5 == 0 ? 1 : 0);
    return text;
  };
  write("works.csv", rows(0, 100, 0));
  write("works.json", R"({"data": {"files": "works.csv"}, "split": {"test": 0.2},
    "pipeline": {"steps": [{"class": "impute", "columns": ["flow"], "fill": "forward_fill"}]},
    "forecast": {"time": "time", "known": ["works"], "windows": {"lags": 3, "horizons": [1, 2]}},
    "network": {"layers": []}, "training": {"optimizer": "adam", "loss": "mse", "epochs": 2},
    "output": {"model": "works.h5"}})");
  const Run trained = run("train works.json --progress none");
  INFO(trained.out);
  CHECK(trained.code == 0);
  write("coming.csv", rows(90, 8, 2));
  const Run next = run("forecast works.h5 coming.csv");
  const Forecaster loaded = load_forecaster("works.h5");
  const Matrix expected = loaded.predict(loaded.latest(read_csv("coming.csv")));
  CHECK(next.out ==
        fmt::format("time,flow\n2024-01-01 08:10,{:.9g}\n2024-01-01 08:15,{:.9g}\n", expected(0, 0), expected(1, 0)));
  const Run none = run("forecast works.h5 works.csv");
  CHECK(none.code == 1);
  CHECK(none.out.find("works.csv: forecaster: expected the last 2 rows to be those to come") != std::string::npos);
  CHECK(run("evaluate works.h5 works.csv").code == 0);
  CHECK(run("inspect works.h5").out.find("  known inputs: 1 (\"works\")\n") != std::string::npos);
}

TEST_CASE("a forecaster with steps cleans what maas forecast and maas evaluate give it") {
  std::string rows = "time,north,south\n";
  for (int i = 0; i < 100; ++i)
    rows += fmt::format("2024-01-01 {:02d}:{:02d},{},{}\n", i / 12, i % 12 * 5, i == 97 ? "-1" : std::to_string(i), i);
  rows += "2024-01-01 08:15,99,99\n";  // the last one again
  write("messy.csv", rows);
  write("messy.json", R"({"data": {"files": "messy.csv"}, "split": {"validation": 0.1, "test": 0.2},
    "pipeline": {"steps": ["drop_duplicate_rows", {"class": "valid_range", "low": 0}, {"class": "impute",
                 "fill": "forward_fill"}], "range_margin": 0.5},
    "forecast": {"time": "time", "windows": {"lags": 3, "horizons": [1, 2]}, "changes": true},
    "network": {"layers": []}, "training": {"optimizer": "adam", "loss": "mse", "epochs": 2},
    "output": {"model": "messy.h5"}})");
  const Run trained = run("train messy.json --progress none");
  INFO(trained.out);
  CHECK(trained.code == 0);
  const Forecaster loaded = load_forecaster("messy.h5");
  const Readings readings = loaded.readings(read_csv("messy.csv"));
  CHECK(readings.rows() == 100);
  CHECK(readings.values(97, 0) == 96);
  const Matrix expected = loaded.predict(readings);
  const Run next = run("forecast messy.h5 messy.csv");
  CHECK(next.out == fmt::format("time,north,south\n2024-01-01 08:20,{:.9g},{:.9g}\n2024-01-01 08:25,{:.9g},{:.9g}\n",
                                expected(0, 0), expected(0, 1), expected(1, 0), expected(1, 1)));
  const std::string told = run("inspect messy.h5").out;
  CHECK(told.find("  table: times in \"time\"\n  steps: \n    columns: ") != std::string::npos);
  CHECK(told.find("    DropDuplicateRows") != std::string::npos);
  const Run scored = run("evaluate messy.h5 messy.csv --training messy.csv");
  CHECK(scored.code == 0);
  CHECK(scored.out.find("ridge VAR") != std::string::npos);
}

TEST_CASE("maas train tells programs of each epoch by a line of JSON, and of its end") {
  write_recipe("recipe.json");
  const Run trained = run("train recipe.json --progress json --set training.epochs=3");
  const std::vector<std::string> lines = lines_of(trained.out);
  INFO(trained.out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == R"({"event": "begin", "epochs": 3, "weights": 2})");
  CHECK(lines[1].starts_with(R"({"event": "epoch", "epoch": 1, "epochs": 3, "seconds": )"));
  CHECK(lines[1].find(R"("figures": {"loss": )") != std::string::npos);
  CHECK(lines[1].find(R"("val_loss": )") != std::string::npos);
  CHECK(lines[4].starts_with(R"({"event": "end", "finite": true, "epochs": 3, "rows": {"all": 50, )"));
  CHECK(lines[4].find(R"("model": "trained.h5")") != std::string::npos);
  CHECK(lines[4].find(R"({"name": "test", "rows": 10)") != std::string::npos);
}

TEST_CASE("maas train tells of trials and folds, in lines for programs and in tables for people") {
  write_recipe("recipe.json");
  const std::string search =
      "train recipe.json --set training.epochs=2 --set 'tuner={\"trials\": 3, \"threads\": 1, \"space\": "
      "{\"training.batch_size\": [4, 8, 16]}}' --set 'cross_validation={\"n_splits\": 2}' --progress ";
  const Run json = run(search + "json");
  const std::vector<std::string> lines = lines_of(json.out);
  INFO(json.out);
  REQUIRE(lines.size() == 3 + 2 + 1 + 2 + 1);
  CHECK(lines[0].starts_with(R"({"event": "trial", "trial": 0, "score": )"));
  CHECK(lines[2].find(R"("settings": {"training.batch_size": )") != std::string::npos);
  CHECK(
      lines[3].starts_with(R"({"event": "fold", "fold": 0, "training": 15, "validation": 5, "test": 20, "answers": )"));
  CHECK(lines[4].find(R"({"target": "y", "name": "mean", "scores": {"mae": )") != std::string::npos);
  CHECK(lines[5].starts_with(R"({"event": "begin")"));
  CHECK(lines[8].find(R"("tuner": {"objective": "mae", "best": {"trial": )") != std::string::npos);
  CHECK(lines[8].find(R"("baselines": {"mean": )") != std::string::npos);
  CHECK(lines[8].find(R"("cross_validation": {"folds": 2, "answers": [{"target": "y", "name": "model", "scores": )") !=
        std::string::npos);
  const Run text = run(search + "none");
  INFO(text.out);
  for (const char* part :
       {"\ntuner: 3 results, judged by mae", "  baseline: mean\n", "\nbest: trial ", "\ncross-validation: 2 folds\n"})
    CHECK(text.out.find(part) != std::string::npos);
}

TEST_CASE("maas train: exit codes and messages") {
  write_recipe("recipe.json");
  const Run wrong = run("train recipe.json --set training.optimizer.learning_rate=fast");
  CHECK(wrong.code == 1);
  CHECK(wrong.out ==
        "maas: recipe.json: training.optimizer.learning_rate: expected a number above 0, or a schedule, got "
        "\"fast\"\n");
  CHECK(run("train no.json").out == "maas: no.json: cannot be read: No such file or directory\n");
  const std::string text = read_file("recipe.json");
  for (const char* output : {"--report recipe.json", "--set output.model=recipe.json"})
    CHECK(run(std::string("train recipe.json ") + output).out.find("which is read") != std::string::npos);
  CHECK(read_file("recipe.json") == text);
  CHECK(run("train").code == 1);
  CHECK(run("train recipe.json --check").out == "recipe.json: nothing wrong with it\n");
  CHECK(run("train recipe.json --check --set split.tset=0.1").code == 1);
  CHECK(run("train --schema").out.starts_with("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\","));
  const Run blown =
      run("train recipe.json --progress none --set training.optimizer=sgd "
          "--set training.optimizer='{\"class\":\"sgd\",\"learning_rate\":1e30}'");
  CHECK(blown.code == 3);
  CHECK(blown.out.find("the loss is no number any more after 300 epochs; nothing is written") != std::string::npos);
}
