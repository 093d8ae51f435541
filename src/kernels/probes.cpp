// The loops of ops/probes.hpp, with the vectors that the products use.
#include "maas/ops/probes.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/probes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

const char* VectorsInUse() { return hwy::TargetName(HWY_TARGET); }

Index SpinMultiplyAdds(Index rounds) {
  // Enough sums to hide the latency of an addition; with a and b they fit into 16 registers.
  const hn::ScalableTag<Scalar> d;
  const auto start = hn::Iota(d, Scalar(0));  // different numbers, or the compiler keeps one sum for all
  auto s0 = start, s1 = hn::Add(s0, start), s2 = hn::Add(s1, start), s3 = hn::Add(s2, start), s4 = hn::Add(s3, start);
  auto s5 = hn::Add(s4, start), s6 = hn::Add(s5, start), s7 = hn::Add(s6, start), s8 = hn::Add(s7, start);
  auto s9 = hn::Add(s8, start);
  const auto a = hn::Set(d, Scalar(0.5)), b = hn::Set(d, Scalar(0.25));
  for (Index round = 0; round < rounds; ++round) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
  }
  const auto all = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)));
  [[maybe_unused]] volatile Scalar kept = hn::GetLane(hn::Add(all, hn::Add(s8, s9)));  // or nothing is computed
  return rounds * 10 * static_cast<Index>(hn::Lanes(d));
}

Scalar ReadNumbers(Index count, const Scalar* numbers) {
  const hn::ScalableTag<Scalar> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (Index i = 0; i + 128 <= count; i += 128)
    for (Index k = i; k < i + 128; k += 8 * lanes) {
      s0 = hn::Add(s0, hn::LoadU(d, numbers + k));
      s1 = hn::Add(s1, hn::LoadU(d, numbers + k + lanes));
      s2 = hn::Add(s2, hn::LoadU(d, numbers + k + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(d, numbers + k + 3 * lanes));
      s4 = hn::Add(s4, hn::LoadU(d, numbers + k + 4 * lanes));
      s5 = hn::Add(s5, hn::LoadU(d, numbers + k + 5 * lanes));
      s6 = hn::Add(s6, hn::LoadU(d, numbers + k + 6 * lanes));
      s7 = hn::Add(s7, hn::LoadU(d, numbers + k + 7 * lanes));
    }
  const auto low = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), high = hn::Add(hn::Add(s4, s5), hn::Add(s6, s7));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

void RewriteNumbers(Index count, Scalar* numbers) {
  const hn::ScalableTag<Scalar> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const auto one = hn::Set(d, Scalar(1)), zero = hn::Zero(d);
  for (Index i = 0; i + lanes <= count; i += lanes)
    hn::StoreU(hn::MulAdd(hn::LoadU(d, numbers + i), one, zero), d, numbers + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(VectorsInUse);
MAAS_BODIES(SpinMultiplyAdds);
MAAS_BODIES(ReadNumbers);
MAAS_BODIES(RewriteNumbers);

}  // namespace kernels

namespace ops {

using namespace kernels;

const char* vectors_in_use() { return use_vectors() ? MAAS_BODY(VectorsInUse)() : "Eigen"; }

Index spin_multiply_adds(Index rounds) { return MAAS_BODY(SpinMultiplyAdds)(rounds); }

Scalar read_numbers(Index count, const Scalar* numbers) { return MAAS_BODY(ReadNumbers)(count, numbers); }

void rewrite_numbers(Index count, Scalar* numbers) { MAAS_BODY(RewriteNumbers)(count, numbers); }

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
