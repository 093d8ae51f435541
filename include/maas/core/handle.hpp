// Handle: the shared, immutable value behind every part a user composes.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "maas/core/config.hpp"
#include "maas/core/fields.hpp"

namespace maas::inline MAAS_ABI {

/// What every part can do, whatever its family: name itself, write its fields, and be recognised by type.
struct PartInterface {
  virtual ~PartInterface() = default;
  virtual std::string_view class_name() const = 0;
  virtual Config config() const = 0;
  virtual const std::type_info& type() const = 0;
  virtual const void* address() const = 0;
};

/// A plain struct that can stand behind a handle: it has a `class_name` and can be copied. (The name is asked for
/// first: whether a handle can be copied must not be a question that leads back here.)
template <class Rule>
concept PartRule = requires {
  { Rule::class_name } -> std::convertible_to<std::string_view>;
}
&&std::copy_constructible<Rule>;

/// Carries one plain struct behind a family's interface. Families derive from it and add their formulas.
template <class Interface, PartRule Rule>
struct PartModel : Interface {
  explicit PartModel(Rule value) : rule(std::move(value)) {}
  std::string_view class_name() const override { return Rule::class_name; }
  Config config() const override { return write_config(rule); }
  const std::type_info& type() const override { return typeid(Rule); }
  const void* address() const override { return &rule; }

  Rule rule;
};

/// A cheap, copyable, shared handle to an immutable part. Families derive their own handle from it.
/// Copies share the part; the part never changes, so handles may be used from any thread.
template <class Interface>
class Handle {
 public:
  /// The name under which Keras knows the part: "Dense", "relu", "Adam".
  std::string_view class_name() const { return self_->class_name(); }
  /// The part's fields by name, in declaration order.
  Config config() const { return self_->config(); }
  /// The struct behind the handle if it is a `Rule`, else null. Valid as long as a copy of the handle lives.
  template <class Rule>
  const Rule* as() const {
    return self_->type() == typeid(Rule) ? static_cast<const Rule*>(self_->address()) : nullptr;
  }
  const Interface* operator->() const { return self_.get(); }
  /// True if both handles share one part: the same layer used twice, say.
  bool same_as(const Handle& other) const { return self_ == other.self_; }
  /// Parts are equal when class and fields are.
  friend bool operator==(const Handle& a, const Handle& b) {
    return a.self_ == b.self_ || (a.class_name() == b.class_name() && a.config() == b.config());
  }

 protected:
  Handle() = default;
  explicit Handle(std::shared_ptr<const Interface> self) : self_(std::move(self)) {}

  std::shared_ptr<const Interface> self_;
};

/// Keeps a handle's converting constructor from catching handles of the same family.
template <class Rule, class Family>
concept NotHandle = !std::derived_from<std::remove_cvref_t<Rule>, Family>;

}  // namespace maas::inline MAAS_ABI
