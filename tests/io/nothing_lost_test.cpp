// Whoever reads a file that is being saved finds the old model or the new one: whatever ends the program that saves.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "fixtures.hpp"
#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A small trained model, or another one.
Model model_of(std::uint64_t seed) {
  auto model = Sequential{input(20), dense(30, relu), dense(1, sigmoid)};
  model.initialize(seed);
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
  return model;
}

const Model& model_a() {
  static const Model model = model_of(1);
  return model;
}
const Model& model_b() {
  static const Model model = model_of(2);
  return model;
}

bool is_model(const Model& found, const Model& expected) {
  const ConstVectorView a = found.network().parameters().values(), b = expected.network().parameters().values();
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}

bool is_one_of_both(const std::string& path) {
  const Model found = load_model(path);
  return is_model(found, model_a()) || is_model(found, model_b());
}

/// Runs `work` in a process of its own.
pid_t begin(const std::function<void()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child > 0) return child;
  try {
    work();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// Saves one model and the other in turns, until it is killed.
[[noreturn]] void save_for_ever(const std::string& path) {
  while (true) {
    model_a().save(path);
    model_b().save(path);
  }
}

class FolderOfFiles {
 public:
  explicit FolderOfFiles(std::string name) : path_(std::move(name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~FolderOfFiles() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("a program that is killed while it saves leaves the old file or the new one") {
  const std::string ending = GENERATE("h5", "keras");
  INFO(ending);
  const FolderOfFiles folder("killed-" + ending);
  const std::string path = folder.file("model." + ending);
  model_a().save(path);
  const Random random(3);
  int whole = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const pid_t child = begin([&] { save_for_ever(path); });
    ::usleep(static_cast<useconds_t>(100 + 9000 * random.uniform(i)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    whole += is_one_of_both(path);
  }
  CHECK(whole == 200);
}

TEST_CASE("two programs that save to one path, and one that reads beside them") {
  const FolderOfFiles folder("together");
  const std::string path = folder.file("model.h5");
  model_a().save(path);
  const pid_t first = begin([&] { save_for_ever(path); });
  const pid_t second = begin([&] { save_for_ever(path); });
  int whole = 0;
  for (int i = 0; i < 100; ++i) whole += is_one_of_both(path);
  for (const pid_t child : {first, second}) {
    int status = 0;
    CHECK(::waitpid(child, &status, WNOHANG) == 0);  // none of them failed
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  CHECK(whole == 100);
}
