// From model.h5 to the first prediction, and saving; beside reading the same bytes as a plain file. The floor is that
// of reading the file's bytes once at the rate of the memory in which they lie: the system's cache has them. That they
// are copied from there, or to there, comes on top, so nobody comes near 1.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "maas/core/new_file.hpp"
#include "maas/maas.hpp"
#include "support.hpp"

namespace {

using namespace bench;

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "maas_load_bench") {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

const Folder& folder() {
  static const Folder folder;
  return folder;
}

// The quickstart's model, saved.
const std::string& small_file() {
  static const std::string path = [] {
    Model model(network());
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
    model.save(folder().file("small.h5"));
    return folder().file("small.h5");
  }();
  return path;
}

// 25 million weights, 100 MB.
const Model& large_model() {
  static const Model model(Network{input(5000), dense(5000, relu)});
  return model;
}

const std::string& large_file() {
  static const std::string path = [] {
    large_model().save(folder().file("large.h5"));
    return folder().file("large.h5");
  }();
  return path;
}

void compare_with_bytes(benchmark::State& state, const std::string& path) {
  compare_with_floor(state, machine().floor(0, static_cast<double>(std::filesystem::file_size(path))));
}

void check() {
  const Samples samples(32);
  require_same("predictions of the loaded model",
               difference(network().predict(samples.x), load_model(small_file()).predict(samples.x)), 0);
}

void load_to_first_prediction(benchmark::State& state) {
  const Samples samples(1);
  for (auto _ : state) benchmark::DoNotOptimize(load_model(small_file()).predict(samples.x));
  compare_with_bytes(state, small_file());
}

void read_bytes(benchmark::State& state, const std::string& path) {
  for (auto _ : state) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::vector<char> bytes(static_cast<std::size_t>(file.tellg()));
    file.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    benchmark::DoNotOptimize(bytes.data());
  }
  compare_with_bytes(state, path);
}
void read_small(benchmark::State& state) { read_bytes(state, small_file()); }
void read_large(benchmark::State& state) { read_bytes(state, large_file()); }

void save(benchmark::State& state) {
  const Model model = load_model(small_file());
  for (auto _ : state) model.save(small_file() + ".copy");
  compare_with_bytes(state, small_file());
}

void load_large(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load_model(large_file()).network().parameters().values().data());
  compare_with_bytes(state, large_file());
}

void save_large(benchmark::State& state) {
  for (auto _ : state) large_model().save(large_file() + ".copy");
  compare_with_bytes(state, large_file());
}

// The same bytes, as safely: beside the target, flushed, renamed.
void write_large(benchmark::State& state) {
  std::ifstream file(large_file(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (auto _ : state) {
    NewFile target(large_file() + ".plain");
    target.write(bytes);
    target.commit();
  }
  compare_with_bytes(state, large_file());
}

// In a process of its own, which has held nothing large before.
void print_peak() {
  const std::string path = large_file();
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "load_bench", "--peak", path.c_str(), static_cast<char*>(nullptr));
    _exit(1);
  }
  waitpid(child, nullptr, 0);
}

// Most memory that this program has held so far, in bytes.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024;
  return 0;
}

void measure_peak(const char* path) {
  const double before = peak_memory();
  const Model model = load_model(path);
  const double weights = static_cast<double>(model.network().parameters().count()) * sizeof(Scalar);
  std::printf("peak memory of loading %.0f MB of weights: %.3f of the weights\n", weights / 1e6,
              (peak_memory() - before) / weights);
}

BENCHMARK(load_to_first_prediction)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_small)->Unit(benchmark::kMicrosecond);
BENCHMARK(save)->Unit(benchmark::kMicrosecond);
BENCHMARK(load_large)->Unit(benchmark::kMillisecond);
BENCHMARK(read_large)->Unit(benchmark::kMillisecond);
BENCHMARK(save_large)->Unit(benchmark::kMillisecond);
BENCHMARK(write_large)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::string(arguments[1]) == "--peak") return measure_peak(arguments[2]), 0;
  bench::print_setup();
  bench::print_machine();
  check();
  print_peak();
  return bench::run(count, arguments);
}
