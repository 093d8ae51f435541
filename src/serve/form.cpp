#include "serve/form.hpp"

#include <algorithm>

#include "maas/core/error.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// A quoted value's text, up to its end; `text` begins behind the first quote.
std::string unquoted(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  return value;
}

// The value of a parameter in `form-data; name="job"; filename="a;b.csv"`; empty if it is not there.
std::string parameter(std::string_view header, std::string_view wanted) {
  std::size_t at = header.find(';');
  while (at < header.size()) {
    header.remove_prefix(at + 1);
    const std::size_t sign = header.find('=');
    if (sign == header.npos) return {};
    const bool is_wanted = is_same_name(trimmed(header.substr(0, sign)), wanted);
    header.remove_prefix(sign + 1);
    if (!header.starts_with('"')) {
      at = std::min(header.find(';'), header.size());
      if (is_wanted) return std::string(trimmed(header.substr(0, at)));
      continue;
    }
    header.remove_prefix(1);
    if (is_wanted) return unquoted(header);
    for (at = 0; at < header.size() && header[at] != '"'; ++at)
      if (header[at] == '\\') ++at;
    at = at < header.size() ? std::min(header.find(';', at), header.size()) : header.size();
  }
  return {};
}

FormPart part_of(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  require<DataError>(end != text.npos, "form: expected headers and an empty line in each part, got none");
  FormPart part{.body = text.substr(end + 4)};
  for (std::string_view head = text.substr(0, end); !head.empty();) {
    const std::size_t line_end = std::min(head.find("\r\n"), head.size()), colon = head.find(':');
    if (colon < line_end && is_same_name(trimmed(head.substr(0, colon)), "Content-Disposition")) {
      const std::string_view value = head.substr(colon + 1, line_end - colon - 1);
      part.name = parameter(value, "name");
      part.filename = parameter(value, "filename");
    }
    head.remove_prefix(std::min(line_end + 2, head.size()));
  }
  require<DataError>(!part.name.empty(), "form: expected a name for each part, got none");
  return part;
}

}  // namespace

bool is_form(std::string_view content_type) {
  return is_same_name(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data");
}

std::vector<FormPart> form_parts(std::string_view body, std::string_view content_type) {
  constexpr std::size_t most = 100;
  const std::string boundary = parameter(content_type, "boundary");
  require<DataError>(!boundary.empty() && boundary.size() <= 70, "form: expected a boundary of 1 to 70 letters, got {}",
                     boundary.size());
  const std::string between = "\r\n--" + boundary;
  require<DataError>(body.starts_with(std::string_view(between).substr(2)), "form: expected its boundary first");
  body.remove_prefix(between.size() - 2);
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {  // which ends the last one
    require<DataError>(body.starts_with("\r\n"), "form: expected a line's end behind a boundary");
    require<DataError>(parts.size() < most, "form: expected at most {} parts, got more", most);
    const std::size_t end = body.find(between, 2);
    require<DataError>(end != body.npos, "form: expected a boundary at its end, got none");
    parts.push_back(part_of(body.substr(2, end - 2)));
    body.remove_prefix(end + between.size());
  }
  return parts;
}

}  // namespace maas::inline MAAS_ABI::serve
