// The lines of docs/guide/forecasting.md about files larger than memory, on a wave that a network learns and
// persistence does not.
#include <cmath>
#include <fstream>
#include <iostream>

#include "maas/maas.hpp"

using namespace maas;

int main() {
  std::ofstream file("speeds.csv");
  file << "time,a\n";
  for (int row = 0; row < 20000; ++row)
    file << format_time(1704067200.0 + 300.0 * row) << "," << 50 + 10 * std::sin(0.3 * row) << "\n";
  file.close();
#include "streamed_forecasts.inc"
  const ScoreTable scores = forecaster.compare(baselines, test);
  return scores.at("network", 6).scores.mae < scores.at("persistence", 6).scores.mae ? 0 : 1;
}
