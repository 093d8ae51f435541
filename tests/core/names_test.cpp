#include "maas/core/names.hpp"

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("names in snake case are Keras'") {
  const std::pair<const char*, const char*> cases[] = {
      {"Dense", "dense"},
      {"BinaryAccuracy", "binary_accuracy"},
      {"RMSprop", "rm_sprop"},
      {"Conv2D", "conv2d"},
      {"PReLU", "p_re_lu"},
      {"LSTM", "lstm"},
      {"GRU", "gru"},
      {"ReLU", "re_lu"},
      {"LeakyReLU", "leaky_re_lu"},
      {"Conv2DTranspose", "conv2d_transpose"},
      {"GlobalAveragePooling1D", "global_average_pooling1d"},
      {"", ""},
  };
  for (const auto& [name, snake] : cases) CHECK(snake_case(name) == snake);
}
