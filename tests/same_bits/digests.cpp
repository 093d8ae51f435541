// Digests of trainings and predictions, a line each: equal digests are equal bits. same_bits.cmake compares them
// between kernels and numbers of threads. The first line says which vectors were used. usage: digests THREADS
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "maas/data/digest.hpp"
#include "maas/maas.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/probes.hpp"

using namespace maas;

namespace {

void print(const char* what, MatrixArg numbers) {
  std::printf("%s %s\n", what, digest_text(digest_of(numbers)).c_str());
}

Matrix drawn(Index rows, Index columns, std::uint64_t seed) {
  const Random random(seed);
  Matrix m(rows, columns);
  for (Index i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<Scalar>(4 * random.uniform(static_cast<std::uint64_t>(i)) - 2);
  return m;
}

// Trains, prints the weights and the predictions, and ends the program where a batch changes a prediction.
void train(const char* what, Model model, Optimizer optimizer, Loss loss, Index inputs, Index batch) {
  const Matrix x = drawn(4 * batch + 5, inputs, 3);
  Matrix y(x.rows(), 1);
  for (Index row = 0; row < x.rows(); ++row) y(row, 0) = x.row(row).head(3).sum() > 0 ? Scalar(1) : Scalar(0);
  model.compile({.optimizer = optimizer, .loss = loss});
  model.fit(x, y, {.epochs = 2, .batch_size = batch, .verbose = 0});
  const Matrix all = model.predict(x);
  const VectorView weights = model.network().parameters().values();
  print(what, ConstMatrixView(weights.data(), 1, weights.size()));
  print("  predictions", all);
  for (Index size : {1, 2, 5, 12, 33})
    if (model.predict(x.topRows(size)) != all.topRows(size)) {
      std::fprintf(stderr, "%s: predictions of %d samples differ from those among all\n", what, static_cast<int>(size));
      std::exit(1);
    }
}

// Samples for fits of streams: 700, which are no multiple of the blocks below.
struct Samples {
  Matrix x = drawn(700, 6, 11), y = Matrix(x.rows(), 1);
  Samples() {
    for (Index row = 0; row < x.rows(); ++row) y(row, 0) = x(row, 0) > x(row, 1) ? Scalar(1) : Scalar(0);
  }
};

StreamOptions blocks(bool prefetch) { return {.block_rows = 32, .mixed_blocks = 4, .prefetch = prefetch}; }

// The weights after a fit that shuffles the blocks of a stream and their rows.
Matrix fitted_to(const Streamed& data) {
  Model model = Sequential{input(6), dense(48, Tanh{}), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy});
  model.fit(data, {.epochs = 3, .batch_size = 20, .verbose = 0, .seed = 5});
  return model.network().parameters().values().transpose();
}

Streamed stream_memory(const Samples& samples, bool prefetch) {
  return Streamed({.read =
                       [samples](Index first, MatrixView x, MatrixView y) {
                         x = samples.x.middleRows(first, x.rows());
                         y = samples.y.middleRows(first, y.rows());
                       },
                   .rows = samples.x.rows(),
                   .features = Shape{6},
                   .targets = Shape{1}},
                  blocks(prefetch));
}

// Whether a stream teaches what the same samples in memory have taught; says so where it does not.
bool teaches(const char* what, const Streamed& data, const Matrix& expected) {
  if (fitted_to(data) == expected) return true;
  std::fprintf(stderr, "%s: a shuffled fit ends with other weights than one of the same samples in memory\n", what);
  return false;
}

#if defined(MAAS_DIGESTS_OF_FILES)
// A folder of this process alone, which goes with it: several run at once.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("maas_digests_" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

bool files_teach(const Samples& samples, const Matrix& expected) {
  const Folder folder;
  const std::string hdf5 = (folder.path / "samples.h5").string(), csv = (folder.path / "samples.csv").string();
  write_hdf5(hdf5, {{"x", samples.x}, {"y", samples.y}});
  Matrix all(samples.x.rows(), 7);
  all << samples.x, samples.y;
  write_csv(csv, table_of(all, {"a", "b", "c", "d", "e", "f", "y"}));  // a table has all digits
  for (const bool prefetch : {true, false})
    if (!teaches("HDF5", stream_hdf5(hdf5, {.stream = blocks(prefetch)}), expected) ||
        !teaches("CSV", stream_csv(csv, {.targets = {"y"}, .stream = blocks(prefetch)}), expected))
      return false;
  return true;
}
#endif

// Prints what a shuffled fit of a stream learns. Builds without HDF5 or CSV print the same line: where files can be
// read, fits of them are compared with it.
bool train_streamed() {
  const Samples samples;
  const Matrix weights = fitted_to(stream_memory(samples, true));
  print("shuffled stream", weights);
  if (!teaches("without a thread that reads ahead", stream_memory(samples, false), weights)) return false;
#if defined(MAAS_DIGESTS_OF_FILES)
  if (!files_teach(samples, weights)) return false;
#endif
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  set_threads(std::atoi(arguments[1]));
  std::printf("vectors %s\n", ops::vectors_in_use());

  const Matrix x = drawn(1, 10001, 9);
  Matrix y(1, 10001);
  ops::tanh(x.size(), x.data(), y.data());
  print("tanh", y);
  ops::sigmoid(x.size(), x.data(), y.data());
  print("sigmoid", y);

  train("quickstart", Sequential{input(100), dense(128, relu), dropout(0.2), dense(64, relu), dense(1, sigmoid)},
        Adam{}, binary_crossentropy, 100, 32);
  train("wide", Sequential{input(12), dense(400, sigmoid), dense(400, Tanh{}), dense(600, sigmoid), dense(1)},
        RMSprop{}, mean_squared_error, 12, 256);
  train("momentum", Sequential{input(40), dense(96, Tanh{}), batch_normalization(), dense(1, sigmoid)},
        Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}, binary_crossentropy, 40, 64);

  train("ten classes", Sequential{input(100), dense(64, relu), dense(10, softmax)}, Nadam{},
        sparse_categorical_crossentropy, 100, 32);
  for (const auto& [what, optimizer] : {std::pair<const char*, Optimizer>{"adamax", Adamax{}},
                                        {"adagrad", Adagrad{}},
                                        {"adadelta", Adadelta{}},
                                        {"lion", Lion{}},
                                        {"rmsprop", RMSprop{.momentum = 0.9, .centered = true}}})
    train(what, Sequential{input(40), dense(30, Tanh{}), dense(1, sigmoid)}, optimizer, binary_crossentropy, 40, 64);

  if (!train_streamed()) return 1;

  // Large enough to be shared among threads, in every format, for few samples and for many.
  Network wide{input(600), dense(900, relu), dense(700, Tanh{}), dense(3)};
  const Matrix samples = drawn(40, 600, 5);
  for (const auto& [what, format] : {std::pair{"packed", CompactFormat::packed},
                                     {"bfloat16", CompactFormat::bfloat16},
                                     {"int8", CompactFormat::int8}}) {
    const Network small = compact(wide, {.format = format, .smallest = 0});
    const Matrix all = small.predict(samples);
    print(what, all);
    for (Index size : {1, 2, 5, 12, 33})
      if (small.predict(samples.topRows(size)) != all.topRows(size)) {
        std::fprintf(stderr, "%s: predictions of %d samples differ from those among all\n", what,
                     static_cast<int>(size));
        return 1;
      }
  }
  return 0;
}
