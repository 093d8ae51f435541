// JSON of answers, written: texts, numbers, nested lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Whether a text is UTF-8.
bool is_utf8(std::string_view text);

/// A text in quotes. What is not UTF-8 becomes U+FFFD, so that the answer is JSON whatever a client has sent.
void append_text(std::string& out, std::string_view text);
/// The same as a text of its own.
std::string json_text(std::string_view text);

/// How numbers that are whole are written: 2 or 2.0. Readers that guess types see a float in the second.
enum class Whole { short_form, with_point };

/// The shortest text that reads back as the same number; NaN, Infinity and -Infinity as Python writes them, or all of
/// them as `nonfinite` if that is not empty.
void append_number(std::string& out, Scalar value, Whole whole, std::string_view nonfinite = {});

/// A whole number.
void append_whole(std::string& out, std::int64_t value);

/// Numbers in lists of the given lengths, the last axis innermost; a lone number without lengths.
void append_nested(std::string& out, const Scalar* values, std::span<const Index> lengths, Whole whole);

/// `[1,2,3]`; numbers as above.
void append_flat(std::string& out, std::span<const Scalar> values, Whole whole, std::string_view nonfinite = {});

}  // namespace maas::inline MAAS_ABI::serve
