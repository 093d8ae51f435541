#include <maas/maas.hpp>

std::size_t size_of_a_double_prediction() {
  using namespace maas;
  const auto model = Sequential{input(3), dense(1)};
  const Matrix p = model.predict(Matrix::Ones(2, 3));
  return sizeof(p(0, 0));
}
