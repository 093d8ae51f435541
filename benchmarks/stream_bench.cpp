// Trains on a file that is many times larger than the memory it takes: writes samples to an HDF5 file of 10 GB, streams
// them through a fit, and prints the time and the peak of the program's memory.
//
// The file is sparse: its dataset of features is contiguous and allocated, of which one block in `stored` is written
// and the others are holes of the file system, which read as zeros. So every byte takes the whole way (file, HDF5,
// block, batch, step), while the disk holds a part of it.
//
// usage: stream_bench [--gigabytes 10] [--stored 50] [--epochs 1] [--limit 200] [--file stream_bench.h5]
// Ends with 1 where the peak is above the limit, in MB.
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "maas/core/random.hpp"
#include "maas/io/hdf5.hpp"
#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"

using namespace maas;

namespace {

constexpr hsize_t columns = 100, block_rows = 2500;  // a megabyte of floats

struct Arguments {
  double gigabytes = 10, limit = 200;
  hsize_t stored = 50;
  int epochs = 1;
  std::string file = "stream_bench.h5";

  Arguments(int count, char** texts) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = texts[i];
      if (name == "--gigabytes") gigabytes = std::atof(texts[i + 1]);
      if (name == "--limit") limit = std::atof(texts[i + 1]);
      if (name == "--stored") stored = static_cast<hsize_t>(std::max(1, std::atoi(texts[i + 1])));
      if (name == "--epochs") epochs = std::atoi(texts[i + 1]);
      if (name == "--file") file = texts[i + 1];
    }
  }
};

hid_t new_dataset(hid_t file, const char* name, std::vector<hsize_t> sizes) {
  const hid_t space = H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr);
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
  const hid_t set = H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  H5Pclose(plist);
  H5Sclose(space);
  return set;
}

void write_rows(hid_t set, hsize_t first, const std::vector<float>& numbers, std::vector<hsize_t> sizes) {
  std::vector<hsize_t> begin(sizes.size(), 0);
  begin[0] = first;
  const hid_t space = H5Dget_space(set),
              memory = H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, begin.data(), nullptr, sizes.data(), nullptr);
  if (H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, numbers.data()) < 0) std::exit(2);
  H5Sclose(memory);
  H5Sclose(space);
}

// The target is the sum of the features; where nothing is written, both are 0.
void write_file(const Arguments& arguments, hsize_t blocks) {
  const hid_t file = H5Fcreate(arguments.file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t x = new_dataset(file, "x", {blocks * block_rows, columns}),
              y = new_dataset(file, "y", {blocks * block_rows});
  if (x < 0 || y < 0) std::exit(2);
  std::vector<float> features(block_rows * columns), targets(block_rows);
  for (hsize_t block = 0; block < blocks; block += arguments.stored) {
    const Random random = Random(1).stream(block);
    for (std::size_t row = 0; row < block_rows; ++row) {
      targets[row] = 0;
      for (std::size_t i = row * columns; i < (row + 1) * columns; ++i)
        targets[row] += features[i] = static_cast<float>(2 * random.uniform(i) - 1);
    }
    write_rows(x, block * block_rows, features, {block_rows, columns});
    write_rows(y, block * block_rows, targets, {block_rows});
  }
  H5Dclose(x);
  H5Dclose(y);
  H5Fclose(file);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

}  // namespace

int main(int count, char** texts) try {
  const Arguments arguments(count, texts);
  const auto blocks = static_cast<hsize_t>(arguments.gigabytes * 1e9 / (sizeof(float) * columns * block_rows));
  write_file(arguments, blocks);
  struct stat status {};
  stat(arguments.file.c_str(), &status);
  std::printf("%s: %.2f GB, of which the disk holds %.2f; peak so far %.0f MB\n", arguments.file.c_str(),
              static_cast<double>(status.st_size) / 1e9, static_cast<double>(status.st_blocks) * 512 / 1e9,
              peak_megabytes());

  const Dataset data = stream_hdf5(arguments.file);
  Sequential model{input(columns), dense(16, relu), dense(1)};
  model.compile({.optimizer = Adam{}, .loss = MeanSquaredError{}});
  const auto begin = std::chrono::steady_clock::now();
  const History history = model.fit(data, {.epochs = arguments.epochs, .batch_size = 1000, .verbose = 0});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double peak = peak_megabytes();
  std::printf("fit: %td samples, %d epochs, %.1f s, %.0f MB/s, loss %.4g; peak %.0f MB (limit %.0f)\n", data.size(),
              arguments.epochs, seconds, static_cast<double>(status.st_size) * arguments.epochs / 1e6 / seconds,
              history["loss"].back(), peak, arguments.limit);
  std::remove(arguments.file.c_str());
  return peak <= arguments.limit ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
