# A program in double that links the library for float must not link: it would read numbers of the wrong size.
# usage: cmake -D COMMAND="compiler;flags" -D SOURCE=FILE -D LIBRARY=libmaas.a -P wrong_precision.cmake
execute_process(COMMAND ${COMMAND} -DMAAS_SCALAR_DOUBLE -fPIC -c ${SOURCE} -o wrong_precision.o COMMAND_ERROR_IS_FATAL ANY)
list(GET COMMAND 0 compiler)
execute_process(COMMAND ${compiler} -shared -Wl,--no-undefined wrong_precision.o ${LIBRARY} -o wrong_precision.so
                RESULT_VARIABLE result ERROR_VARIABLE text)
if(result EQUAL 0 OR NOT text MATCHES "undefined reference to .maas::f64::")
  message(FATAL_ERROR "expected undefined references to maas::f64, got:\n${text}")
endif()
