# maas_find_library(target VARIABLE name...): a library that ships no CMake package, as an imported target.
# Used by the build and by the installed package. Set VARIABLE by hand where the search fails; a list is welcome, as a
# static HDF5 needs its own libraries beside it.
macro(maas_find_library target variable)
  find_library(${variable} NAMES ${ARGN} PATH_SUFFIXES hdf5/serial DOC "The library behind ${target}")
  if(NOT ${variable} AND CMAKE_FIND_PACKAGE_NAME)
    # Whoever asked for the installed package may do without it: find_package says what is missing, if it was REQUIRED.
    set(${CMAKE_FIND_PACKAGE_NAME}_FOUND FALSE)
    set(${CMAKE_FIND_PACKAGE_NAME}_NOT_FOUND_MESSAGE "no library named ${ARGN} found; install it or set ${variable}")
    return()
  elseif(NOT ${variable})
    message(FATAL_ERROR "maas: no library named ${ARGN} found; install it or set ${variable}")
  endif()
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${${variable}}")
  endif()
endmacro()
