// Predictions between two system calls that nothing else makes: strace must see no other one between them.
//   system_calls fixed|workspace|control
// `control` makes one there, so that the test is known to see it.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "maas/fixed/network.hpp"
#include "maas/maas.hpp"

using namespace maas;

namespace {

void mark() { syscall(SYS_getpgid, 0); }

// Keeps the compiler from leaving out what computes this.
void keep(Scalar value) { asm volatile("" : : "r,m"(value) : "memory"); }

template <class F>
void between_marks(F&& predict) {
  keep(predict(0));  // the first call finds out what the processor can do
  mark();
  for (Index i = 0; i < 1000; ++i) keep(predict(i % 16));
  mark();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count == 2 ? arguments[1] : "";
  const Network network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  const Matrix x = Matrix::Random(16, 100);
  if (what == "fixed") {
    fixed::Network<fixed::Dense<100, 128, Relu>, fixed::Dense<128, 64, Relu>, fixed::Dense<64, 1, Sigmoid>> net;
    net.assign(network);
    between_marks([&](Index row) { return net(std::span<const Scalar, 100>(x.data() + row * 100, 100))[0]; });
    return 0;
  }
  if (what == "workspace") {
    Workspace workspace(network, 16, Mode::inference);
    between_marks(
        [&](Index row) { return network.predict(ConstMatrixView(x.data(), 1 + row, 100), workspace)(row, 0); });
    return 0;
  }
  if (what == "control") {
    between_marks([&](Index) { return static_cast<Scalar>(getppid()); });
    return 0;
  }
  std::fprintf(stderr, "expected fixed, workspace or control, got %s\n", what.c_str());
  return 1;
}
