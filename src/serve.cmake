# maas::serve, the prediction server: for float alone. Included by CMakeLists.txt.
find_path(MAAS_MICROHTTPD_INCLUDE microhttpd.h REQUIRED)
maas_find_library(maas::microhttpd MAAS_MICROHTTPD_LIBRARY microhttpd)
find_path(MAAS_SIMDJSON_INCLUDE simdjson.h REQUIRED)
maas_find_library(maas::simdjson MAAS_SIMDJSON_LIBRARY simdjson)
find_path(MAAS_ZLIB_INCLUDE zlib.h REQUIRED)
maas_find_library(maas::zlib MAAS_ZLIB_LIBRARY z)
# Digests of tokens; libmicrohttpd stands on it, too.
find_path(MAAS_GNUTLS_INCLUDE gnutls/gnutls.h REQUIRED)
maas_find_library(maas::gnutls MAAS_GNUTLS_LIBRARY gnutls)

file(GLOB serve_sources CONFIGURE_DEPENDS serve/*.cpp)
add_library(maas_serve STATIC ${serve_sources})
add_library(maas::serve ALIAS maas_serve)
include(serve/embed.cmake)
maas_embed(maas_serve openapi_json openapi.json)
maas_embed(maas_serve page_html page.html)
set_target_properties(maas_serve PROPERTIES EXPORT_NAME serve POSITION_INDEPENDENT_CODE ON)
target_link_libraries(maas_serve PUBLIC maas PRIVATE maas::microhttpd maas::simdjson maas::gnutls maas::zlib)
target_include_directories(maas_serve PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(maas_serve SYSTEM PRIVATE ${MAAS_MICROHTTPD_INCLUDE} ${MAAS_SIMDJSON_INCLUDE}
                           ${MAAS_GNUTLS_INCLUDE} ${MAAS_ZLIB_INCLUDE})
target_compile_options(maas_serve PRIVATE -Wall -Wextra -Wpedantic -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(maas_serve PRIVATE -Wno-restrict)  # false alarms in GCC 12's own std::string
endif()
if(MAAS_WARNINGS_AS_ERRORS)
  target_compile_options(maas_serve PRIVATE -Werror)
endif()
# Not where a few folders are tested: one build must notice a missing #include. That of the library is tests/consumers'.
if(MAAS_PRECOMPILE_HEADERS AND NOT MAAS_TEST_FOLDERS)
  target_precompile_headers(maas_serve PRIVATE <maas/maas.hpp>)
endif()
list(APPEND libraries maas_serve)
