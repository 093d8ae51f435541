// Whether this is a build with the address or the thread sanitizer: these take memory of their own, and the latter
// starts no threads in a process that was forked from one with several.
#pragma once

#if defined(__has_feature)
#define MAAS_TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define MAAS_TEST_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || MAAS_TEST_HAS_FEATURE(address_sanitizer) || \
    MAAS_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
