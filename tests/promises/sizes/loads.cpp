// A program that predicts with a model from its file, and does nothing else.
#include <cstdio>

#include "maas/model/load.hpp"

int main(int count, char** arguments) {
  const maas::Model model = maas::load_model(arguments[count - 1]);
  const maas::Matrix x = maas::Matrix::Constant(1, 100, maas::Scalar(0.5));
  std::printf("%.5f\n", static_cast<double>(model.predict(x)(0, 0)));
}
