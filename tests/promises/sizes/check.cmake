# Builds two programs that only predict, as small as the compiler makes them, and fails when one is larger than promised:
# WHAT=loads reads a model's file, WHAT=exported has the network as a header. maas, HDF5 and C++'s library are linked
# statically, the C library and SHARED are not. LIMIT is of what is not HDF5's own, LIMIT_WITH_HDF5 of all.
# usage: cmake -D WHAT=loads|exported -D LIMIT=BYTES [-D LIMIT_WITH_HDF5=BYTES] -D "COMMAND=compiler;flags"
#        -D LIBRARY=libmaas.a -D "STATIC=files" -D "SHARED=flags" -D MAKE_MODEL=FILE -D MAAS_PROGRAM=FILE -P check.cmake
set(folder ${CMAKE_CURRENT_BINARY_DIR}/sizes_${WHAT})
file(MAKE_DIRECTORY ${folder})
execute_process(COMMAND ${MAKE_MODEL} ${folder}/model.h5 COMMAND_ERROR_IS_FATAL ANY)

set(source ${CMAKE_CURRENT_LIST_DIR}/${WHAT}.cpp)
set(program ${folder}/${WHAT})
set(small -Os -DNDEBUG -ffunction-sections -fdata-sections -static-libstdc++ -static-libgcc -s -Wl,--gc-sections)
if(WHAT STREQUAL "exported")
  execute_process(COMMAND ${MAAS_PROGRAM} export ${folder}/model.h5 ${folder}/exported_model.hpp --name exported_model
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${COMMAND} ${small} -I${folder} ${source} -o ${program} COMMAND_ERROR_IS_FATAL ANY)
else()
  if(NOT STATIC MATCHES "libhdf5")
    message("skipped: there is no static HDF5")
    return()
  endif()
  execute_process(COMMAND ${COMMAND} ${small} -Wl,-Map=${program}.map ${source} ${LIBRARY} ${STATIC} ${SHARED} -o ${program}
                  COMMAND_ERROR_IS_FATAL ANY)
endif()

# It must do what it is for.
execute_process(COMMAND ${program} ${folder}/model.h5 OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
if(NOT printed MATCHES "^0\\.[0-9]+\n$")
  message(FATAL_ERROR "expected ${WHAT} to print a probability, got ${printed}")
endif()

file(SIZE ${program} size)
set(own ${size})
if(WHAT STREQUAL "loads")
  # Of the linker's map, what came out of HDF5's library: lines of section, address, size and member.
  file(STRINGS ${program}.map lines REGEX "0x[0-9a-f]+ +0x[0-9a-f]+ .*libhdf5[a-z_]*\\.a\\(")
  set(hdf5 0)
  foreach(line IN LISTS lines)
    # What was left out lies at 0.
    if(line MATCHES "0x0*([1-9a-f][0-9a-f]*) +(0x[0-9a-f]+) ")
      math(EXPR hdf5 "${hdf5} + ${CMAKE_MATCH_2}")
    endif()
  endforeach()
  math(EXPR own "${size} - ${hdf5}")
  message("${WHAT}: ${size} bytes, ${hdf5} of them HDF5")
  if(size GREATER LIMIT_WITH_HDF5)
    message(FATAL_ERROR "expected at most ${LIMIT_WITH_HDF5} bytes, HDF5 and all, got ${size}")
  endif()
endif()
message("${WHAT}: ${own} bytes, the limit is ${LIMIT}")
if(own GREATER LIMIT)
  message(FATAL_ERROR "expected a program of at most ${LIMIT} bytes, got ${own}")
endif()
