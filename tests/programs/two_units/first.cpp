// Two files of one program include everything: nothing is defined twice, and both see the same library.
#include <cstdio>
#include <maas/maas.hpp>

maas::Matrix predict_elsewhere(const maas::Model& model, const maas::Matrix& x);

int main() {
  using namespace maas;
  const auto model = Sequential{input(3), dense(4, Tanh{}), dense(2, softmax)};
  const Matrix x = Matrix::Random(5, 3);
  const bool same = model.predict(x) == predict_elsewhere(model, x);
  std::puts(same ? "both files predict the same" : "the two files predict differently");
  return same ? 0 : 1;
}
