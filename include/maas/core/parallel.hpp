// A fixed pool of threads that shares out independent pieces of work.
#pragma once

#include <type_traits>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// Sets how many threads the library uses, the caller's included; 1 keeps all work on the caller's thread. The default
/// is the number of processors that this process may use (its affinity mask), or of those whose worth of time its
/// control groups (a container's limit, a service's quota) grant if that is less. Results do not depend on it: not in
/// one bit. Throws ConfigError below 1 or above 1024. Must not be called while another thread trains or predicts.
void set_threads(int count);
/// How many threads the library uses.
int threads();

namespace detail {
/// How many threads can run at once: the processors that the calling thread may use (of 1024 at most), and no more than
/// its control groups pay for.
int available_cores();

using PieceFunction = void (*)(void* context, Index piece);
void run_pieces(Index count, PieceFunction function, void* context);
}  // namespace detail

/// Calls `work(0) ... work(count - 1)`, each once, on the pool's threads, and returns when all are done. Pieces must be
/// independent of each other, so that neither order nor thread can change a result. Does not throw, and `work` must
/// not; takes memory only where threads are to be made, as in the first call. Where the system gives no more threads,
/// those there are do the work. A call from within a piece, or while another thread uses the pool, runs on the caller
/// alone. A process made by fork() makes threads of its own; one that is forked from within a piece may only call exec.
template <class Work>
void for_each_piece(Index count, Work&& work) {
  detail::run_pieces(
      count, [](void* context, Index piece) { (*static_cast<std::remove_reference_t<Work>*>(context))(piece); }, &work);
}

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/parallel-inl.hpp"
#endif
