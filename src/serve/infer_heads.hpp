// The JSON before binary tensors, once it has been read: clients send the same with each request.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/serve/repository.hpp"
#include "serve/data_type.hpp"

namespace maas::inline MAAS_ABI::serve {

/// An output that is asked for.
struct WantedOutput {
  std::size_t place = 0;  ///< among the version's
  bool is_binary = false;
};

/// What a request says beside the numbers of its inputs.
struct InferHead {
  /// One of them.
  struct Input {
    std::string what{};     ///< kind and name, for errors
    std::size_t place = 0;  ///< among the version's
    DataType type = DataType::fp32;
    Index rows = 0, columns = 0;
    std::size_t bytes = 0;  ///< of its numbers, if they come as such
    bool is_binary = false;
  };
  std::vector<Input> inputs{};  ///< as they come
  std::vector<WantedOutput> outputs{};
  std::optional<std::int64_t> timeout_us{};
  // Of one that is kept:
  std::weak_ptr<const Servable> servable{};  ///< that it was read for, and fits
  std::string json{};                        ///< what was read
  std::size_t bytes = 0;                     ///< of all inputs
  std::string answer{};                      ///< the JSON before the outputs' bytes; empty where one comes as JSON
};

/// The last few heads of requests whose inputs all came as bytes. Of one server, as its options decide what may be in
/// them. Any number of threads may ask at once.
class InferHeads {
 public:
  static constexpr std::size_t most_bytes = 4096;  ///< of a text that is worth keeping

  /// Null for one that is not kept, or was read for another version.
  std::shared_ptr<const InferHead> find(const std::shared_ptr<const Servable>& servable, std::string_view json) const {
    const std::lock_guard lock(mutex_);
    for (const auto& head : heads_)
      if (head != nullptr && head->json == json && is_same(head->servable, servable)) return head;
    return nullptr;
  }

  /// In the place of the one that was kept first.
  void keep(std::shared_ptr<const InferHead> head) {
    const std::lock_guard lock(mutex_);
    heads_[next_] = std::move(head);
    next_ = (next_ + 1) % heads_.size();
  }

 private:
  // Also where the version is gone and another has come to its address.
  static bool is_same(const std::weak_ptr<const Servable>& a, const std::shared_ptr<const Servable>& b) {
    return !a.owner_before(b) && !b.owner_before(a);
  }

  mutable std::mutex mutex_{};  // guards what follows
  std::array<std::shared_ptr<const InferHead>, 16> heads_{};
  std::size_t next_ = 0;
};

}  // namespace maas::inline MAAS_ABI::serve
