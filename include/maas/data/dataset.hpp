// Dataset: where samples come from, one batch at a time.
#pragma once

#include <concepts>
#include <memory>
#include <span>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

/// How a data set wants to be walked over, where samples cannot be had in any order alike: in blocks of successive
/// rows.
struct BlockLayout {
  Index rows = 0;   ///< rows a block, but for the last one; 0: any order is as good as another
  Index mixed = 1;  ///< blocks whose rows are shuffled together
};

/// What may stand behind a Dataset: `size()`, `feature_shape()` and `target_shape()` of one sample, and
/// `gather(rows, x, y)`, which copies the samples of these row numbers into x and y (rows.size() x numbers a sample).
/// Optional: `blocks()`, a BlockLayout, and with it `announce(blocks)`, which is told before every pass in which order
/// the blocks will be read.
template <class Rule>
concept DatasetRule = std::copy_constructible<Rule> &&
    requires(const Rule& rule, std::span<const Index> rows, MatrixView x, MatrixView y) {
  { rule.size() } -> std::convertible_to<Index>;
  { rule.feature_shape() } -> std::convertible_to<Shape>;
  { rule.target_shape() } -> std::convertible_to<Shape>;
  rule.gather(rows, x, y);
};

/// A handle to samples: features and targets that can be gathered by row number. Copies share the samples.
class Dataset {
 public:
  template <class Rule>
  requires(!std::derived_from<std::remove_cvref_t<Rule>, Dataset>) &&
      DatasetRule<std::remove_cvref_t<Rule>> Dataset(Rule&& rule)
      : self_(std::make_shared<Model<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// How many samples there are.
  Index size() const { return self_->size(); }
  /// The shape of one sample's features, and of its targets.
  Shape feature_shape() const { return self_->feature_shape(); }
  Shape target_shape() const { return self_->target_shape(); }
  /// How it wants to be walked over.
  BlockLayout blocks() const { return self_->blocks(); }
  /// Tells it the numbers of the blocks that a pass begins to read, in order.
  void announce(std::span<const Index> blocks) const { self_->announce(blocks); }
  /// Copies samples into the caller's buffers; does not allocate.
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const { self_->gather(rows, x, y); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Index size() const = 0;
    virtual Shape feature_shape() const = 0;
    virtual Shape target_shape() const = 0;
    virtual void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const = 0;
    virtual BlockLayout blocks() const = 0;
    virtual void announce(std::span<const Index> blocks) const = 0;
  };
  template <class Rule>
  struct Model final : Interface {
    explicit Model(Rule value) : rule(std::move(value)) {}
    Index size() const override { return rule.size(); }
    Shape feature_shape() const override { return rule.feature_shape(); }
    Shape target_shape() const override { return rule.target_shape(); }
    void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const override { rule.gather(rows, x, y); }
    BlockLayout blocks() const override {
      if constexpr (requires { rule.blocks(); }) return rule.blocks();
      return {};
    }
    void announce([[maybe_unused]] std::span<const Index> blocks) const override {
      if constexpr (requires { rule.announce(blocks); }) rule.announce(blocks);
    }
    Rule rule;
  };

  std::shared_ptr<const Interface> self_;
};

}  // namespace maas::inline MAAS_ABI
