// Writes the files that mutations start from into a folder: a corpus for libFuzzer.
// usage: write_seeds FOLDER
#include <fstream>
#include <iostream>

#include "fuzz/seeds.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: write_seeds FOLDER\n";
    return 1;
  }
  int number = 0;
  for (const std::string& file : maas::fuzz::seed_files())
    std::ofstream(std::string(arguments[1]) + "/seed-" + std::to_string(number++), std::ios::binary) << file;
}
