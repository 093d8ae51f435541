// How long an answer will take, before any of it is done.
#pragma once

#include <chrono>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Reading so many bytes of a body, running so many samples, writing their outputs. nanoseconds::max() where it is not
/// known.
std::chrono::nanoseconds likely_answer_time(const Servable& servable, std::size_t body_bytes, Index rows);

/// The same for a body that has not been read: its samples are counted by its commas and its bytes behind JSON, taken
/// for FP32. Not known for one that is compressed, or holds raw rows, and for a long one. Where that of as many samples
/// as its bytes could hold is at most `enough`, nothing is counted, and that is it.
std::chrono::nanoseconds likely_answer_time(const Servable& servable, const Request& request,
                                            std::chrono::nanoseconds enough = {});

/// How many samples the body of a prediction holds, about: by its bytes, and by the commas among the first of them; at
/// least 1. One that is compressed is taken as it comes.
Index likely_rows(const Servable& servable, const Request& request);

}  // namespace maas::inline MAAS_ABI::serve
