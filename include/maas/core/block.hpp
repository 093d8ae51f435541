// Block: zeroed memory on a 64-byte border, taken once and carved into views.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// How many scalars lie between two 64-byte borders.
inline constexpr Index block_border = 64 / static_cast<Index>(sizeof(Scalar));

/// `count` rounded up so that what follows starts on a 64-byte border.
constexpr Index rounded_to_border(Index count) { return (count + block_border - 1) / block_border * block_border; }

namespace detail {
/// Memory on a 64-byte border. Large blocks lie on large pages where the system has them: networks read all of their
/// weights again and again, and with small pages it would look up an address for every fourth kilobyte.
Scalar* allocate_block(Index size);
void free_block(Scalar* memory, Index size) noexcept;
}  // namespace detail

/// Zeroed scalars that start on a 64-byte border. Copies copy the numbers.
class Block {
 public:
  Block() = default;
  explicit Block(Index size) : size_(size), data_(allocate(size)) { std::fill_n(data(), size, Scalar(0)); }
  Block(const Block& other) : size_(other.size_), data_(allocate(other.size_)) {
    std::copy_n(other.data(), size_, data());
  }
  Block(Block&& other) noexcept : size_(std::exchange(other.size_, 0)), data_(std::move(other.data_)) {}
  Block& operator=(Block other) noexcept {
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }

  Index size() const { return size_; }
  Scalar* data() { return data_.get(); }
  const Scalar* data() const { return data_.get(); }
  VectorView vector() { return {data(), size_}; }
  ConstVectorView vector() const { return {data(), size_}; }

 private:
  struct Free {
    void operator()(Scalar* memory) const { detail::free_block(memory, size); }
    Index size;
  };
  static std::unique_ptr<Scalar, Free> allocate(Index size) {
    return {size == 0 ? nullptr : detail::allocate_block(size), Free{size}};
  }

  Index size_ = 0;
  std::unique_ptr<Scalar, Free> data_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/block-inl.hpp"
#endif
