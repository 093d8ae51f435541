// Trains a forecaster on a file that is many times larger than the memory it takes: writes readings to an HDF5 file,
// streams them through scaling, a fit, baselines and scores, and prints the time and the peak of the program's memory.
//
// The file is sparse, as that of stream_bench: one block in `stored` is written, the others are holes of the file
// system, which read as zeros. So every byte takes the whole way, while the disk holds a part of it.
//
// usage: forecast_stream_bench [--gigabytes 2.5] [--stored 50] [--limit 400] [--file forecast_stream_bench.h5]
// Ends with 1 where the peak is above the limit, in MB.
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "maas/forecast/forecaster.hpp"

using namespace maas;

namespace {

constexpr hsize_t sensors = 200, block_rows = 2500;  // 2 MB of floats

struct Arguments {
  double gigabytes = 2.5, limit = 400;
  hsize_t stored = 50;
  std::string file = "forecast_stream_bench.h5";

  Arguments(int count, char** texts) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = texts[i];
      if (name == "--gigabytes") gigabytes = std::atof(texts[i + 1]);
      if (name == "--limit") limit = std::atof(texts[i + 1]);
      if (name == "--stored") stored = static_cast<hsize_t>(std::max(1, std::atoi(texts[i + 1])));
      if (name == "--file") file = texts[i + 1];
    }
  }
};

// Waves of some period a sensor.
void write_file(const Arguments& arguments, hsize_t blocks) {
  const hid_t file = H5Fcreate(arguments.file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t sizes[] = {blocks * block_rows, sensors}, part[] = {block_rows, sensors};
  const hid_t space = H5Screate_simple(2, sizes, nullptr), memory = H5Screate_simple(2, part, nullptr);
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
  const hid_t set = H5Dcreate2(file, "speed", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  if (set < 0) std::exit(2);
  std::vector<float> readings(block_rows * sensors);
  for (hsize_t block = 0; block < blocks; block += arguments.stored) {
    for (std::size_t row = 0; row < block_rows; ++row)
      for (std::size_t sensor = 0; sensor < sensors; ++sensor)
        readings[row * sensors + sensor] = static_cast<float>(
            50 + 10 * std::sin(static_cast<double>(row) * (0.1 + 0.001 * static_cast<double>(sensor))));
    const hsize_t begin[] = {block * block_rows, 0};
    H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, nullptr, part, nullptr);
    if (H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, readings.data()) < 0) std::exit(2);
  }
  H5Pclose(plist);
  H5Dclose(set);
  H5Sclose(memory);
  H5Sclose(space);
  H5Fclose(file);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

/// Seconds since it was made, and the peak of memory.
struct Watch {
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  void print(const char* what) const {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%-40s after %6.1f s; peak %.0f MB\n", what, seconds, peak_megabytes());
    std::fflush(stdout);
  }
};

}  // namespace

int main(int count, char** texts) try {
  const Arguments arguments(count, texts);
  const auto blocks = static_cast<hsize_t>(arguments.gigabytes * 1e9 / (sizeof(float) * sensors * block_rows));
  write_file(arguments, blocks);
  struct stat status {};
  stat(arguments.file.c_str(), &status);
  std::printf("%s: %.2f GB, of which the disk holds %.2f; peak so far %.0f MB\n", arguments.file.c_str(),
              static_cast<double>(status.st_size) / 1e9, static_cast<double>(status.st_blocks) * 512 / 1e9,
              peak_megabytes());
  const Watch watch;
  const StreamedTable rows = stream_table(arguments.file, {}, {.block_rows = block_rows, .mixed_blocks = 8});
  const TimeSplit split = split_by_time(rows.rows(), 0, 0.1);
  Forecaster forecaster({.windows = {.lags = 12, .horizons = every_step(12), .stride = 250}},
                        ForecastNetwork{.hidden = {16}, .embedding = 4});
  ForecastFit fit;
  fit.fit.epochs = 1;
  fit.fit.batch_size = 1000;
  forecaster.fit(rows.part(split.train), {}, fit);
  watch.print("trained");
  const StreamedReadings training = forecaster.readings(rows.part(split.train));
  const KeptBaselines baselines =
      fit_kept_baselines(forecaster.windows(training).targets_before(forecaster.learned_readings()).parts());
  watch.print("baselines, without ridge VAR");
  const StreamedWindows test = forecaster.windows(forecaster.readings(rows.part(split.test)));
  const ScoreTable scores = forecaster.compare(baselines.baselines, test, {}, {12});
  watch.print("scored");
  std::printf("%s", scores.text().c_str());
  std::remove(arguments.file.c_str());
  return peak_megabytes() > arguments.limit ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "forecast_stream_bench: %s\n", error.what());
  return 2;
}
