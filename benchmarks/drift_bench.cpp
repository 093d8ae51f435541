// What the server's watch over drift costs a prediction: counting its inputs.
#include <benchmark/benchmark.h>

#include "maas/maas.hpp"
#include "serve/drift.hpp"

namespace {

using namespace maas;

// Rows of so many inputs, so many a run.
void count_rows(benchmark::State& state) {
  const Index width = state.range(0), batch = state.range(1);
  const Matrix rows = Matrix::Random(512, width);
  serve::DriftCounts counts(DriftReference::of(rows), {});
  Index row = 0;
  for (auto _ : state) {
    counts.count_rows(rows.middleRows(row, batch));
    row = (row + batch) % 512;
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(count_rows)->ArgNames({"inputs", "rows"})->ArgsProduct({{4, 16, 100, 1000}, {1, 64}});

}  // namespace

BENCHMARK_MAIN();
