// Writes the model that the small programs predict with: 100-128-64-1.
#include "maas/maas.hpp"

int main(int count, char** arguments) {
  using namespace maas;
  Model model(Network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)});
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
  model.save(arguments[count - 1]);
}
