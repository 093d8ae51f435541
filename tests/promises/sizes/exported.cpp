// A program that predicts with a network as a header, written by `maas export`.
#include <cstdio>

#include "exported_model.hpp"

int main() {
  float x[exported_model::inputs], y[exported_model::outputs];
  for (float& value : x) value = 0.5f;
  exported_model::predict(x, y);
  std::printf("%.5f\n", static_cast<double>(y[0]));
}
