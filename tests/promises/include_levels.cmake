# Reads the #include lines of include/maas and src, and fails with each pair that goes against the levels of the
# architecture: a folder includes from lower levels only, never from a sibling, and outside libraries stay where they
# belong.
# usage: cmake -D ROOT=PROJECT -P include_levels.cmake

# The table of docs/architecture.md.
set(level_0 core)
set(level_1 ops)
set(level_2 activations initializers regularizers constraints losses optimizers data kernels)
set(level_3 layers metrics)
set(level_4 network)
set(level_5 training io fixed testing)
set(level_6 model compress)
set(level_7 forecast distributed)
set(level_8 serve recipe)
set(level_9 cli)

# Outside headers that only some files may see: a pattern, and a pattern of the files.
set(outside_rules
  "(hdf5|H5.*)\\.h" "src/io/hdf5_library\\.[hc]pp"
  "nlohmann/.*"    "src/io/json\\.cpp"
  "zip\\.h"        "src/io/zip_archive\\.cpp"
  "csv\\.h"        "src/data/.*"
  "hwy/.*"         "src/kernels/.*"
  "microhttpd\\.h"  "src/serve/http\\.cpp"
  "simdjson\\.h"    "src/serve/json\\.cpp"
  "grpcpp/.*|inference\\.(grpc\\.)?pb\\.h" "src/serve/grpc/.*"
  "CLI/.*"         "src/cli/.*"
  "Eigen/Dense"    ""                                   # a second of compiler time in every file of every user
  "iostream|regex" "src/cli/.*")

set(problems)
macro(problem)
  string(CONCAT text ${ARGN})
  list(APPEND problems "${text}")
endmacro()

foreach(level RANGE 9)
  foreach(folder ${level_${level}})
    set(level_of_${folder} ${level})
  endforeach()
endforeach()

# The folder that the file at `path` belongs to; src/ops.cpp belongs to ops. Empty for maas.hpp and its like, which
# may include everything.
function(folder_of path result)
  string(REGEX REPLACE "^(include/maas|src)/" "" inside ${path})
  string(REGEX MATCH "^[^/.]+" folder ${inside})
  if(NOT inside MATCHES "/" AND NOT DEFINED level_of_${folder})
    set(folder "")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# Whether a file of `folder` may include from `other`.
macro(check_levels path folder other)
  if(NOT DEFINED level_of_${folder})
    problem("${path}: folder ${folder} has no level: give it one in include_levels.cmake")
  elseif(NOT DEFINED level_of_${other})
    problem("${path}: includes from ${other}, which has no level: give it one in include_levels.cmake")
  elseif(NOT "${folder}" STREQUAL "${other}" AND NOT level_of_${other} LESS level_of_${folder})
    problem("${path}: ${folder} (level ${level_of_${folder}}) includes ${other} (level ${level_of_${other}})")
  endif()
endmacro()

macro(check_outside path header)
  set(rules ${outside_rules})
  while(rules)
    list(POP_FRONT rules pattern place)
    if("${header}" MATCHES "^(${pattern})$" AND NOT "${path}" MATCHES "^(${place})$")
      problem("${path}: includes <${header}>, which belongs to (${place})")
    endif()
  endwhile()
endmacro()

get_filename_component(ROOT ${ROOT} ABSOLUTE)
file(GLOB_RECURSE paths RELATIVE ${ROOT} ${ROOT}/include/maas/*.hpp ${ROOT}/src/*.hpp ${ROOT}/src/*.cpp)
list(LENGTH paths count)
if(count EQUAL 0)
  message(FATAL_ERROR "no files under ${ROOT}")
endif()
foreach(path ${paths})
  folder_of(${path} folder)
  file(STRINGS ${ROOT}/${path} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line ${lines})
    if(line MATCHES "\"maas/([^/\"]+)/[^\"]+\"")
      if(folder)
        check_levels(${path} ${folder} ${CMAKE_MATCH_1})
      endif()
    elseif(line MATCHES "\"maas/([^/\"]+)\"")
      if(CMAKE_MATCH_1 STREQUAL maas.hpp)
        problem("${path}: includes maas.hpp, which is for users")
      endif()
    elseif(line MATCHES "\"(([^/\"]+)/[^\"]+)\"")
      set(header ${CMAKE_MATCH_1})
      set(other ${CMAKE_MATCH_2})
      if(path MATCHES "^include/")
        problem("${path}: a public header includes ${header}, which is not installed")
      elseif(folder)
        check_levels(${path} ${folder} ${other})
      endif()
    elseif(line MATCHES "<([^>]+)>")
      check_outside(${path} ${CMAKE_MATCH_1})
    endif()
  endforeach()
endforeach()

if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "includes against the levels:\n  ${text}")
endif()
message("${count} files keep to the levels")
