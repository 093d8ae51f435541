// A struct that lacks a layer's backward is refused by name.
// expected: LayerRule
// expected: backward
#include <maas/maas.hpp>

struct Half {
  static constexpr std::string_view class_name = "Half";
  static void fields(auto&, auto&&) {}
  maas::LayerPlan plan(maas::Shapes inputs) const { return {.output = inputs[0]}; }
  void forward(const maas::Forward&) const {}
#if !defined(WRONG)
  void backward(const maas::Backward&) const {}
#endif
};

maas::Layer layer() { return maas::Layer(Half{}); }
