// The same for clang's libFuzzer, which looks for inputs that reach new lines: needs the preset fuzz.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/mutator.hpp"
#include "fuzz/target.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  maas::fuzz::read_anything(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  maas::fuzz::Draw draw(maas::Random(seed).stream(0));
  std::string file = maas::fuzz::mutated(std::string(reinterpret_cast<const char*>(data), size), draw);
  if (file.empty() || file.size() > most) return LLVMFuzzerMutate(data, size, most);
  file.copy(reinterpret_cast<char*>(data), file.size());
  return file.size();
}
