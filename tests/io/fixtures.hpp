// Where the tests of files find their files, and how they read what goes with them.
#pragma once

#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"
#include "maas/maas.hpp"

namespace fixtures {

using namespace maas;

/// The folder with layers/, malformed/ and so on: MAAS_FIXTURES, or the shared one.
inline std::string data_folder() {
  const char* given = std::getenv("MAAS_FIXTURES");
  return given != nullptr ? given : MAAS_SHARED_DIR "/fixtures/data";
}

inline bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

/// False, said aloud, where a file is not there: the test then has nothing to do.
inline bool have(const std::string& path) {
  if (exists(path)) return true;
  std::cerr << "SKIPPED: " << path << " is not there\n";
  return false;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file that is gone when this goes.
struct Removed {
  std::string path;
  ~Removed() { std::remove(path.c_str()); }
};

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The rows of a table with tabs between columns, by the names in its first line.
inline std::vector<std::map<std::string, std::string>> read_rows(const std::string& path) {
  std::ifstream file(path);
  auto split = [](const std::string& line) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = split(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = split(line);
    rows.emplace_back();
    for (std::size_t i = 0; i < cells.size() && i < names.size(); ++i) rows.back()[names[i]] = cells[i];
  }
  return rows;
}

/// A dataset as samples x numbers a sample.
inline Matrix read_array(const io::Hdf5Reader& file, const std::string& dataset) {
  const std::vector<Index> dimensions = file.dataset(dataset).dimensions;
  const Index rows = dimensions.empty() ? 1 : dimensions[0];
  Matrix result(rows, rows == 0 ? 0 : file.dataset(dataset).size() / rows);
  file.read(dataset, dimensions, result.data());
  return result;
}

/// A file of "# shape ..." and then rows of numbers with commas between them.
inline Matrix read_numbers(const std::string& path) {
  std::ifstream file(path);
  std::vector<double> numbers;
  Index rows = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++rows;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) numbers.push_back(std::stod(cell));
  }
  Matrix result(rows, rows == 0 ? 0 : static_cast<Index>(numbers.size()) / rows);
  for (Index i = 0; i < result.size(); ++i)
    result.data()[i] = static_cast<Scalar>(numbers[static_cast<std::size_t>(i)]);
  return result;
}

/// max |a - b| / max(1, |b|); infinite for other sizes, and for NaN on one side.
inline double difference(const Matrix& a, const Matrix& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return INFINITY;
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (std::isnan(x) && std::isnan(y)) continue;
    const double distance = std::abs(x - y) / std::max(1.0, std::abs(y));
    largest = std::isnan(distance) ? INFINITY : std::max(largest, distance);
  }
  return largest;
}

/// The model, or nothing if it holds a layer that maas does not have: then `why` is that refusal. All else throws.
inline std::optional<SavedModel> read_supported(const std::string& path, std::string& why) {
  try {
    return read_keras(path);
  } catch (const FormatError& error) {
    why = error.what();
    const std::string before = ": the class ", after = " is not supported";
    const std::size_t start = why.find(before), end = why.find(after);
    if (start == std::string::npos || end == std::string::npos) throw;
    const std::string name = why.substr(start + before.size(), end - start - before.size());
    for (const auto& entry : BuiltinLayers::entries())
      if (entry.class_name == name) throw;
    return std::nullopt;
  }
}

}  // namespace fixtures
