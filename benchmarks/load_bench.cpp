// From model.h5 to the first prediction, and saving; beside reading the same bytes as a plain file.
#include <filesystem>
#include <vector>

#include "maas/maas.hpp"
#include "support.hpp"

namespace {

using namespace bench;

// A saved model in a folder of its own, removed at the end.
class SavedFile {
 public:
  SavedFile() : folder_(std::filesystem::temp_directory_path() / "maas_load_bench") {
    std::filesystem::create_directories(folder_);
    Model model(network());
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
    model.save(path());
  }
  ~SavedFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path() const { return (folder_ / "model.h5").string(); }

 private:
  std::filesystem::path folder_;
};

const SavedFile& saved_file() {
  static const SavedFile file;
  return file;
}

void check() {
  const Samples samples(32);
  require_same("predictions of the loaded model",
               difference(network().predict(samples.x), load_model(saved_file().path()).predict(samples.x)), 0);
}

void load_to_first_prediction(benchmark::State& state) {
  const Samples samples(1);
  for (auto _ : state) benchmark::DoNotOptimize(load_model(saved_file().path()).predict(samples.x));
}

void read_bytes(benchmark::State& state) {
  for (auto _ : state) {
    std::ifstream file(saved_file().path(), std::ios::binary | std::ios::ate);
    std::vector<char> bytes(static_cast<std::size_t>(file.tellg()));
    file.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    benchmark::DoNotOptimize(bytes.data());
  }
}

void save(benchmark::State& state) {
  const Model model = load_model(saved_file().path());
  for (auto _ : state) model.save(saved_file().path() + ".copy");
}

BENCHMARK(load_to_first_prediction)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_bytes)->Unit(benchmark::kMicrosecond);
BENCHMARK(save)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int count, char** arguments) {
  bench::print_setup();
  check();
  return bench::run(count, arguments);
}
