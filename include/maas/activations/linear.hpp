// The identity.
#pragma once

#include "maas/activations/activation.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = x.
struct Linear {
  static constexpr std::string_view class_name = "linear";
  static constexpr ops::Curve curve = ops::Curve::none;
  void forward(const ConstMatrixView& z, MatrixView y) const;
  void backward(const ConstMatrixView&, const MatrixView&) const {}
};
inline constexpr Linear linear{};
#if defined(MAAS_COMPILED)  // what other headers have as a default is made once, in the library
extern template Activation::Activation(const Linear&);
#endif

}  // namespace maas::inline MAAS_ABI
