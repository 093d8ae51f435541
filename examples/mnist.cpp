// Keras' own first image program, mnist_mlp: which digit is this? 784-512-512-10 with dropout, trained on MNIST.
//
//   mnist [--data FOLDER] [--epochs N] [--seeds N]
//
// FOLDER holds the four files of MNIST, gzipped as they are distributed or unpacked and still named .gz. Prints the
// accuracy on the test part of the answer that needs no network, of a network after the last epoch for each seed, their
// mean, and the time. The test part chooses nothing.
#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <maas/maas.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace maas;

namespace {

struct Arguments {
  std::string data = "../shared/data/mnist";
  int epochs = 10;
  int seeds = 3;
};

/// One of MNIST's files: a magic number that tells the number of axes, their sizes (big-endian), then a byte a number.
std::vector<std::uint8_t> read_idx(const std::string& path, std::vector<Index>& sizes) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  require<FormatError>(file != nullptr, "{}: cannot be opened: {}", path, std::strerror(errno));
  const auto read = [&](std::uint8_t* to, std::size_t count) {
    const int got = gzread(file.get(), to, static_cast<unsigned>(count));
    require<FormatError>(got == static_cast<int>(count), "{}: expected {} more bytes, got {}", path, count, got);
  };
  std::array<std::uint8_t, 4> word{};
  read(word.data(), 4);
  require<FormatError>(word[0] == 0 && word[1] == 0 && word[2] == 8 && word[3] >= 1 && word[3] <= 3,
                       "{}: is not one of MNIST's files (its first bytes are others)", path);
  std::size_t count = 1;
  sizes.resize(word[3]);
  for (Index& size : sizes) {
    read(word.data(), 4);
    size = (Index{word[0]} << 24) | (Index{word[1]} << 16) | (Index{word[2]} << 8) | Index{word[3]};
    require<FormatError>(size >= 1 && size <= 60000, "{}: a size is {}, expected 1 to 60000", path, size);
    count *= static_cast<std::size_t>(size);
  }
  require<FormatError>(count <= 60000 * 784, "{}: expected at most 60000 images of 784 numbers", path);
  std::vector<std::uint8_t> bytes(count);
  read(bytes.data(), count);
  return bytes;
}

/// Images as numbers from 0 to 1, one a row, and their digits.
struct Digits {
  Matrix images;
  Matrix labels;
};

Digits read_digits(const std::string& start) {
  std::vector<Index> sizes, label_sizes;
  const std::vector<std::uint8_t> pixels = read_idx(start + "-images-idx3-ubyte.gz", sizes);
  const std::vector<std::uint8_t> labels = read_idx(start + "-labels-idx1-ubyte.gz", label_sizes);
  require<FormatError>(sizes.size() == 3 && label_sizes.size() == 1 && sizes[0] == label_sizes[0],
                       "{}: expected one label an image", start);
  using Bytes = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return {Eigen::Map<const Bytes>(pixels.data(), sizes[0], sizes[1] * sizes[2]).cast<Scalar>() / Scalar(255),
          Eigen::Map<const Bytes>(labels.data(), sizes[0], 1).cast<Scalar>()};
}

/// The digit that training images show most often: the answer that needs no network.
int most_frequent(const Matrix& labels) {
  std::array<Index, 10> counts{};
  for (const Scalar label : labels.reshaped()) ++counts.at(static_cast<std::size_t>(label));
  return static_cast<int>(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

/// Trains one network and returns its accuracy on the test part.
double train_and_test(const Digits& train, const Digits& test, int epochs, std::uint64_t seed) {
  auto model =
      Sequential{input(784), dense(512, relu), dropout(0.2), dense(512, relu), dropout(0.2), dense(10, softmax)};
  model.initialize(seed);
  model.compile({.optimizer = RMSprop{}, .loss = sparse_categorical_crossentropy, .metrics = {accuracy}});
  model.fit(train.images, train.labels, {.epochs = epochs, .batch_size = 128, .verbose = 0, .seed = seed});
  return *find_log(model.evaluate(test.images, test.labels), "accuracy");
}

void run(const Arguments& arguments) {
  const Digits train = read_digits(arguments.data + "/train"), test = read_digits(arguments.data + "/t10k");
  fmt::print("{} training images, {} test images, {} epochs\n", train.images.rows(), test.images.rows(),
             arguments.epochs);
  const int usual = most_frequent(train.labels);
  fmt::print("always {}, the most frequent: test accuracy {:.2f} %\n", usual,
             100 * (test.labels.array() == Scalar(usual)).cast<double>().mean());
  double sum = 0;
  for (int seed = 1; seed <= arguments.seeds; ++seed) {
    const auto start = std::chrono::steady_clock::now();
    const double accuracy = train_and_test(train, test, arguments.epochs, static_cast<std::uint64_t>(seed));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("seed {}: test accuracy {:.2f} %, {:.1f} s\n", seed, 100 * accuracy, seconds.count());
    std::fflush(stdout);
    sum += accuracy;
  }
  fmt::print("mean test accuracy {:.2f} %\n", 100 * sum / arguments.seeds);
}

Arguments read_arguments(int count, char** values) {
  Arguments arguments;
  const auto number = [](std::string_view text) {
    int result = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
    require<ConfigError>(error == std::errc() && end == text.data() + text.size() && result >= 1,
                         "mnist: expected a number from 1 on, got {}", text);
    return result;
  };
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    require<ConfigError>((name == "--data" || name == "--epochs" || name == "--seeds") && i + 1 < count,
                         "mnist: expected --data FOLDER, --epochs N or --seeds N, got {}", name);
    if (name == "--data")
      arguments.data = values[i + 1];
    else
      (name == "--epochs" ? arguments.epochs : arguments.seeds) = number(values[i + 1]);
  }
  return arguments;
}

}  // namespace

int main(int count, char** values) {
  try {
    run(read_arguments(count, values));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
