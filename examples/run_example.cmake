# cmake -D EXPECTED=REGEX [-D EXIT=CODE] -P run_example.cmake -- PROGRAM ARGUMENT...
#
# Runs a program, shows what it prints, and fails unless that matches the expression and the program ends with the exit
# code (0 unless given). CTest's PASS_REGULAR_EXPRESSION alone does not look at the code: a program that fails behind the
# last match would pass.
if(NOT DEFINED EXIT)
  set(EXIT 0)
endif()
set(command "")
set(seen FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen)
    string(REPLACE ";" "\\;" argument "${CMAKE_ARGV${i}}")  # else a list of two
    list(APPEND command "${argument}")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(seen TRUE)
  endif()
endforeach()
if(NOT command)
  message(FATAL_ERROR "run_example: expected a program behind --, got none")
endif()

# Standard output and errors in one: a message is matched wherever it is printed.
execute_process(COMMAND ${command} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
message("${output}")
if(NOT code STREQUAL EXIT)
  message(FATAL_ERROR "run_example: expected the exit code ${EXIT}, got ${code}")
endif()
if(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "run_example: expected output that matches\n${EXPECTED}")
endif()
