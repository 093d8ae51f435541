// What a piece of code prints to standard output.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace maas_tests {

/// Runs `work` and returns all that it has printed.
template <class Work>
std::string printed_by(Work&& work) {
  std::fflush(stdout);
  std::FILE* file = std::tmpfile();
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(::fileno(file), STDOUT_FILENO);
  work();
  std::fflush(stdout);
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace maas_tests
