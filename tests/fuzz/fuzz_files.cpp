// Reads mutated files until time is up: under sanitizers, whatever goes wrong ends the program.
// usage: fuzz_files [--seconds N] [--inputs N] [--seed N] [--only INPUT]
//
// Inputs follow from the seed and their number, so that --seed and --only repeat one. Where clang's address sanitizer
// is at work, no input may make more than 64 MiB of memory be held at once.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/mutator.hpp"
#include "fuzz/seeds.hpp"
#include "fuzz/target.hpp"

#if defined(__clang__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAAS_COUNTS_MEMORY
#include <sanitizer/allocator_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#endif

using namespace maas;

namespace {

struct Settings {
  double seconds = 10;
  std::uint64_t inputs = std::numeric_limits<std::uint64_t>::max(), seed = 1;
  std::optional<std::uint64_t> only;
};

std::uint64_t current_input = 0, current_seed = 0;

void say_which() { std::cerr << fmt::format("in input {} of seed {}\n", current_input, current_seed); }

#if defined(MAAS_COUNTS_MEMORY)
constexpr std::int64_t most_held = std::int64_t{64} << 20;
std::atomic<std::int64_t> held{0}, most{0};

void count_new(const volatile void*, std::size_t size) {
  const std::int64_t now = held += static_cast<std::int64_t>(size);
  if (now > most) most = now;
}
void count_freed(const volatile void* at) {
  if (at != nullptr) held -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(at)));
}

void watch_memory() {
  __sanitizer_set_death_callback(say_which);
  __sanitizer_install_malloc_and_free_hooks(count_new, count_freed);
}
void begin_input() { most = held = 0; }
bool held_too_much() { return most > most_held; }
#else
void watch_memory() {}
void begin_input() {}
bool held_too_much() { return false; }
#endif

Settings settings_of(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    const std::uint64_t value = std::strtoull(arguments[i + 1], nullptr, 10);
    if (name == "--seconds") settings.seconds = static_cast<double>(value);
    if (name == "--inputs") settings.inputs = value, settings.seconds = std::numeric_limits<double>::infinity();
    if (name == "--seed") settings.seed = value;
    if (name == "--only") settings.only = value;
  }
  return settings;
}

bool run(const std::vector<std::string>& seeds, const Settings& settings, std::uint64_t input) {
  current_input = input;
  fuzz::Draw draw(Random(settings.seed).stream(input));
  const std::string file = fuzz::mutated(seeds[draw.below(seeds.size())], draw);
  begin_input();
  const bool read = fuzz::read_anything(file);
  if (held_too_much()) {
    say_which();
    std::cerr << fmt::format("a file of {} bytes made more than 64 MiB be held\n", file.size());
    std::abort();
  }
  return read;
}

}  // namespace

int main(int count, char** arguments) {
  const Settings settings = settings_of(count, arguments);
  const std::vector<std::string> seeds = fuzz::seed_files();
  for (const std::string& seed : seeds)
    if (!fuzz::read_anything(seed)) {
      std::cerr << "a seed cannot be read\n";
      return 1;
    }
  current_seed = settings.seed;
  watch_memory();
  if (settings.only) return run(seeds, settings, *settings.only), 0;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::uint64_t inputs = 0, read = 0;
  for (; inputs < settings.inputs && seconds() < settings.seconds; ++inputs) read += run(seeds, settings, inputs);
  std::cout << fmt::format("seed {}: {} inputs in {:.0f} s, {} of them were read, the others refused\n", settings.seed,
                           inputs, seconds(), read);
  return read > 0 && read < inputs ? 0 : 1;
}
