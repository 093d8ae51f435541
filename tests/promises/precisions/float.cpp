// One file in float and one in double live in one program: every name carries its precision, so the two never meet.
#include <cstdio>
#include <maas/maas.hpp>

std::size_t size_of_a_double_prediction();

int main() {
  using namespace maas;
  const auto model = Sequential{input(3), dense(1)};
  const Matrix p = model.predict(Matrix::Ones(2, 3));
  const bool right = sizeof(p(0, 0)) == sizeof(float) && size_of_a_double_prediction() == sizeof(double);
  std::puts(right ? "float and double, side by side" : "the precisions are mixed up");
  return right ? 0 : 1;
}
