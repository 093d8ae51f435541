# maas_embed(target NAME FILE): makes FILE of this folder a constant of `target`, maas::serve::NAME, declared in
# embedded.hpp. A change of the file configures anew.
function(maas_embed target name file)
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/serve/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} MAAS_EMBEDDED_TEXT)
  set(MAAS_EMBEDDED_NAME ${name})
  # A literal may hold 64 KiB; none of ours comes near.
  string(LENGTH "${MAAS_EMBEDDED_TEXT}" length)
  if(length GREATER 60000)
    message(FATAL_ERROR "${file}: ${length} characters are too many for one literal")
  endif()
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/serve/embedded.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/serve/${name}.cpp @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/serve/${name}.cpp)
endfunction()
