// HeldOut: the mark of rows that are kept for validation or test.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// Whether rows are held out for validation or test, so that nothing learns from them. It may be given where an `Owner`
/// (RowRange, RowList, Column, Readings) is made, and set later; nothing takes it away: only whole owners are assigned.
///
///     Readings test{.values = values, .held_out = true};
///     if (test.held_out) ...
///     train.held_out.set();
template <class Owner>
class HeldOut {
 public:
  constexpr HeldOut(bool is_set = false) : is_set_(is_set) {}
  constexpr HeldOut(const HeldOut&) = default;

  void set() { is_set_ = true; }
  constexpr operator bool() const { return is_set_; }

 private:
  friend Owner;  // its own assignment, of all members together
  HeldOut& operator=(const HeldOut&) = default;

  bool is_set_;
};

}  // namespace maas::inline MAAS_ABI
