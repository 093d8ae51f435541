#include "serve/state_saves.hpp"

#include <fmt/format.h>

#include <iterator>

namespace maas::inline MAAS_ABI::serve {

bool StateSaves::attempt(const std::string& name, const std::function<bool()>& write) {
  try {
    if (write()) note(name, "");
    return true;
  } catch (const std::exception& error) {
    note(name, error.what());
    return false;
  }
}

// An empty error is none.
void StateSaves::note(const std::string& name, const std::string& error) try {
  const bool is_good = error.empty();
  {
    const std::lock_guard lock(mutex_);
    ++(is_good ? succeeded_ : failed_);
    const bool is_news = is_good ? failing_.erase(name) > 0 : failing_.insert(name).second;
    if (!is_news || !warn_) return;
  }
  warn_(is_good ? fmt::format("state: {}: can be written again", name)
                : fmt::format("state: {}; it is tried again", error));
} catch (const std::exception&) {  // no memory, or nobody to tell: what was saved is saved
}

void StateSaves::append_metrics(std::string& out) const {
  const std::lock_guard lock(mutex_);
  fmt::format_to(std::back_inserter(out),
                 "# HELP maas_state_saves_total Times that state was written for the next start, and could not be.\n"
                 "# TYPE maas_state_saves_total counter\n"
                 "maas_state_saves_total{{result=\"success\"}} {}\nmaas_state_saves_total{{result=\"failure\"}} {}\n",
                 succeeded_, failed_);
}

}  // namespace maas::inline MAAS_ABI::serve
